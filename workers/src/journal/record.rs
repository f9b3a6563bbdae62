//! What the journal holds and answers.

use std::fmt;
use std::sync::Arc;

use brokers::Fingerprint;
use bytes::Bytes;
use domain::run::RunEnd;
use domain::settlement::{Decision, Reason};
use domain::{AlgorithmId, Position, RunId, Version};
use jiff::Timestamp;
use uuid::Uuid;

/// What the owner of direct runs begins with.
pub(super) const DIRECT: &str = "direct:";

/// Names a listener in its worker's journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListenerKey(pub(super) i64);

/// Names a run in its worker's journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RunKey {
    pub(super) listener: ListenerKey,
    pub(super) run: i64,
}

/// Whose runs they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The listener with that consumer group.
    Listener(Uuid),
    /// The direct callers of an algorithm, who have counters and retention as a listener has.
    DirectCallers(AlgorithmId),
}

/// Where a message stands in its topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageId {
    pub partition: i32,
    pub offset: i64,
}

/// Something to take.
#[derive(Clone, Debug)]
pub struct Claim {
    pub listener: ListenerKey,
    pub taken: Taken,
    /// Whether a call follows at once; it is then counted with the claim, if what is taken is new.
    pub calls: bool,
}

/// What is taken.
#[derive(Clone, Debug)]
pub enum Taken {
    Message {
        /// The consumer group, the namespace of the run ids.
        group: Uuid,
        topic: Arc<str>,
        id: MessageId,
        fingerprint: Fingerprint,
    },
    /// The call of a direct caller, with a number that no other one has.
    Direct { run_id: RunId, number: i64 },
}

/// What is known of something that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    pub run: RunKey,
    /// The same for every delivery of a message to a listener, and another one for a message that
    /// has taken its place.
    pub run_id: RunId,
    /// Calls counted so far. For a new message the one that the claim announced is among them.
    pub attempts: u32,
    /// How often the message was taken without a decision, this time included. 1: it is new.
    pub claims: u32,
    pub decision: Option<Recorded>,
}

/// What HTTP says of the bytes of a body, and what belongs with them wherever they go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Representation {
    pub content_type: Option<String>,
    /// None where the bytes are not encoded.
    pub content_encoding: Option<String>,
}

/// A decision to record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub decision: Decision,
    /// The version that was called, if any.
    pub version: Option<Version>,
    /// The listener's revision at the time; none for a direct run.
    pub revision: Option<Position>,
    pub status: Option<u16>,
    pub reason: Option<Reason>,
    pub reason_text: Option<String>,
    pub representation: Representation,
    /// The bytes to publish; none for a dead letter, whose bytes are the message's, and for a run
    /// without a result, which publishes nothing.
    pub result: Option<Bytes>,
}

/// What came of recording a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The draft stands, since then.
    Recorded(Timestamp),
    /// Another decision was there before.
    Earlier(Box<Recorded>),
}

/// A decision as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub decision: Decision,
    pub version: Option<Version>,
    pub revision: Option<Position>,
    pub status: Option<u16>,
    pub reason: Option<Reason>,
    pub reason_text: Option<String>,
    pub finished_at: Timestamp,
    pub published: bool,
    pub representation: Representation,
    /// The bytes to publish, while it is not published.
    pub result: Option<Bytes>,
}

#[cfg(test)]
impl RunKey {
    /// Some run of some listener.
    pub(crate) fn sample() -> Self {
        Self {
            listener: ListenerKey(1),
            run: 1,
        }
    }
}

impl MessageId {
    /// The run of the message at that place of a topic, in one life of it.
    pub(super) fn run_id(self, group: Uuid, topic: &str, incarnation: u32) -> RunId {
        let Self { partition, offset } = self;
        let name = format!("{topic}/{incarnation}/{partition}/{offset}");
        RunId(Uuid::new_v5(&group, name.as_bytes()))
    }
}

impl Recorded {
    /// The decision that `draft` became at `finished_at`.
    pub(crate) fn of(draft: Draft, finished_at: Timestamp) -> Self {
        Self {
            published: !draft.has_to_be_published(),
            decision: draft.decision,
            version: draft.version,
            revision: draft.revision,
            status: draft.status,
            reason: draft.reason,
            reason_text: draft.reason_text,
            finished_at,
            representation: draft.representation,
            result: draft.result,
        }
    }
}

impl Draft {
    pub(super) fn has_to_be_published(&self) -> bool {
        match self.decision {
            Decision::Succeeded => self.result.is_some(),
            Decision::DeadLettered => true,
            Decision::Filtered | Decision::Dropped => false,
        }
    }
}

impl From<Recorded> for RunEnd {
    fn from(recorded: Recorded) -> Self {
        Self {
            decision: recorded.decision,
            version: recorded.version,
            status: recorded.status,
            reason: recorded.reason,
            reason_text: recorded.reason_text,
            finished_at: recorded.finished_at,
        }
    }
}

/// As stored: a bare UUID is a consumer group.
impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listener(group) => group.fmt(f),
            Self::DirectCallers(algorithm) => write!(f, "{DIRECT}{algorithm}"),
        }
    }
}
