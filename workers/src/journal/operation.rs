//! The operations of the journal: a closed set, which every store implements in its own way.

use std::sync::Arc;

use brokers::{Beginning, Standing};
use domain::lease::Epoch;
use domain::series::Measured;
use domain::worker::Confirmed;
use domain::{Position, TopicId, WorkerId};
use uuid::Uuid;

use super::decision::{Draft, FailedCall, Outcome, OutputEnd, Unpublished};
use super::observation::Observation;
use super::record::{Claim, Claimed, ListenerKey, RunKey};
use super::retention::Retention;
use super::sampling::Keep;

/// An operation, and what it answers.
pub(super) trait Ask {
    type Answer;

    fn operation(self) -> Operation;

    /// What `answer` holds, if it answers such an operation.
    fn answer(answer: Answer) -> Option<Self::Answer>;
}

/// Defines the enums of the operations and of their answers.
macro_rules! operations {
    ($($operation:ident => $answer:ty),* $(,)?) => {
        /// Something to be done to the journal.
        #[derive(Debug)]
        pub(super) enum Operation {
            $($operation($operation)),*
        }

        /// What the operation of that name answers.
        #[derive(Debug)]
        pub(super) enum Answer {
            $($operation($answer)),*
        }

        $(
            impl Ask for $operation {
                type Answer = $answer;

                fn operation(self) -> Operation {
                    Operation::$operation(self)
                }

                fn answer(answer: Answer) -> Option<$answer> {
                    match answer {
                        Answer::$operation(answer) => Some(answer),
                        _ => None,
                    }
                }
            }
        )*
    };
}

operations! {
    Listener => ListenerKey,
    Claims => Vec<Option<Claimed>>,
    Attempt => u32,
    Refund => (),
    NoteFailedCall => (),
    Decide => Outcome,
    Published => (),
    EndOutput => (),
    Hold => (),
    TakeUnpublished => Vec<Unpublished>,
    TakeOver => bool,
    Recover => u64,
    CleanUp => Option<u64>,
    Load => Vec<Standing>,
    Begin => Option<Vec<u32>>,
    Advance => (),
    Keep => (),
    Observe => (),
    Confirm => Position,
    Require => (),
    Record => (),
    Prune => u64,
}

/// The key of a listener, made where there is none.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) owner: String,
    /// The topic's name; the algorithm's for direct callers.
    pub(super) topic: String,
    pub(super) algorithm: String,
}

/// Takes messages, or finds what is known of them; answers in order.
#[derive(Debug)]
pub(super) struct Claims(pub(super) Vec<Claim>);

/// Counts a call that is about to be made; answers how many were counted in all.
#[derive(Debug)]
pub(super) struct Attempt(pub(super) RunKey);

/// Takes back calls.
#[derive(Debug)]
pub(super) struct Refund {
    pub(super) run: RunKey,
    pub(super) attempts: u32,
}

/// Writes down a call that did not succeed, if the run is still kept.
#[derive(Debug)]
pub(super) struct NoteFailedCall {
    pub(super) run: RunKey,
    pub(super) call: FailedCall,
}

/// Records the decision of a run that has none, with what there is to publish.
#[derive(Debug)]
pub(super) struct Decide {
    pub(super) run: RunKey,
    pub(super) draft: Arc<Draft>,
}

/// Takes a run out of the outbox: all its outputs are published or have ended otherwise.
#[derive(Debug)]
pub(super) struct Published(pub(super) RunKey);

/// Notes how one output of a run ended, if others are left or if it ended without being published, or
/// which queue has its dead letter.
#[derive(Debug)]
pub(super) struct EndOutput {
    pub(super) run: RunKey,
    pub(super) topic: TopicId,
    pub(super) end: OutputEnd,
}

/// Renews or ends the hold on an outbox entry.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) run: RunKey,
    pub(super) holds: bool,
}

/// Takes outbox entries that nobody holds, and holds them.
#[derive(Debug)]
pub(super) struct TakeUnpublished {
    /// Only runs with a higher number.
    pub(super) after: i64,
    pub(super) limit: u32,
}

/// Writes down in which epoch a worker's part of the journal is from now on: what is committed for it
/// in an earlier one is refused. Answers whether it was written; it is not where that epoch, or a later
/// one, is there already.
#[derive(Debug)]
pub(super) struct TakeOver {
    pub(super) worker: WorkerId,
    pub(super) epoch: Epoch,
}

/// Cleans up after an earlier start of this worker: decides the direct runs that it had under way,
/// answers how many, and ends its holds on direct results.
#[derive(Debug)]
pub(super) struct Recover;

/// Does the same for a worker that is gone, whose part of the journal was taken over in that epoch;
/// nothing if the epoch is another one by now.
#[derive(Debug)]
pub(super) struct CleanUp {
    pub(super) after: WorkerId,
    pub(super) epoch: Epoch,
}

/// What is written down of a listener's partitions, whichever reset of its position it is since.
#[derive(Debug)]
pub(super) struct Load(pub(super) ListenerKey);

/// Writes down where a listener begins; answers the incarnations, or nothing where a later reset of
/// its position has been written down.
#[derive(Debug)]
pub(super) struct Begin {
    pub(super) listener: ListenerKey,
    /// The number of the reset that it knows of.
    pub(super) reset: i64,
    pub(super) beginnings: Vec<Beginning>,
}

/// Notes up to where everything is done, by partition; of a partition that has begun since another
/// reset, nothing.
#[derive(Debug)]
pub(super) struct Advance {
    pub(super) listener: ListenerKey,
    /// The number of the reset that it knows of.
    pub(super) reset: i64,
    pub(super) done: Vec<(i32, i64)>,
}

/// Writes down what consumers of a worker are doing.
#[derive(Debug)]
pub(super) struct Observe {
    pub(super) worker: WorkerId,
    pub(super) consumers: Vec<Observation>,
}

/// Writes down how far a worker has come, or that it has left; answers how far all must come.
#[derive(Debug)]
pub(super) struct Confirm {
    pub(super) worker: WorkerId,
    /// None once it has left.
    pub(super) confirmed: Option<Confirmed>,
}

/// Requires that all workers come so far.
#[derive(Debug)]
pub(super) struct Require(pub(super) Position);

/// Adds what a worker measured to the series of listeners.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) worker: WorkerId,
    /// By the consumer groups of the listeners.
    pub(super) measured: Vec<(Uuid, Measured)>,
}

/// Deletes the oldest runs that are finished, published, beyond a retention, and cannot come again;
/// answers how many: a batch of one listener at most. Forgets what workers
/// said that are gone, and old points of series.
#[derive(Debug)]
pub(super) struct Prune(pub(super) Retention);

impl Operation {
    /// The topics that a decision sends its result to.
    pub(super) fn outputs(&self) -> Option<&[TopicId]> {
        match self {
            Self::Decide(Decide { draft, .. }) => draft.outputs(),
            _ => None,
        }
    }

    /// Whether a worker that may not work must not do it: it begins something, or decides.
    pub(super) fn is_work(&self) -> bool {
        matches!(
            self,
            Self::Claims(_) | Self::Attempt(_) | Self::Decide(_) | Self::Begin(_)
        )
    }

    /// The size of the bodies that it stores, in bytes.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Decide(Decide { draft, .. }) => draft.size(),
            Self::Keep(keep) => usize::try_from(keep.row.size()).unwrap_or(usize::MAX),
            _ => 0,
        }
    }
}
