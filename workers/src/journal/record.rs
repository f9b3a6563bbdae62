//! What the journal holds and answers.

use bytes::Bytes;
use domain::settlement::{Decision, Reason};
use jiff::Timestamp;
use uuid::Uuid;

/// Names a listener in its worker's journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListenerKey(pub(super) i64);

/// Names a run in its worker's journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RunKey {
    pub(super) listener: ListenerKey,
    pub(super) run: i64,
}

/// The place of a message in its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub partition: i32,
    pub offset: i64,
}

/// A message to take.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    pub listener: ListenerKey,
    pub run_id: Uuid,
    pub place: Place,
    /// Whether a call follows at once; it is then counted with the claim, if the message is new.
    pub calls: bool,
}

/// What is known of a taken message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    pub run: RunKey,
    /// Calls counted so far. For a new message the one that the claim announced is among them.
    pub attempts: u32,
    /// How often the message was taken without a decision, this time included. 1: it is new.
    pub claims: u32,
    pub decision: Option<Recorded>,
}

/// A decision to record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub decision: Decision,
    /// The version that was called, if any.
    pub version: Option<String>,
    /// The listener's revision at the time.
    pub revision: String,
    pub status: Option<u16>,
    pub reason: Option<Reason>,
    pub reason_text: Option<String>,
    pub content_type: Option<String>,
    /// The bytes to publish; none for a dead letter, whose bytes are the message's.
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
    pub version: Option<String>,
    pub revision: String,
    pub status: Option<u16>,
    /// A stable code.
    pub reason: Option<String>,
    pub reason_text: Option<String>,
    pub finished_at: Timestamp,
    pub published: bool,
    pub content_type: Option<String>,
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

impl Recorded {
    /// The decision that `draft` became at `finished_at`.
    pub(crate) fn of(draft: Draft, finished_at: Timestamp) -> Self {
        Self {
            published: !draft.has_to_be_published(),
            decision: draft.decision,
            version: draft.version,
            revision: draft.revision,
            status: draft.status,
            reason: draft.reason.map(|reason| reason.as_str().to_owned()),
            reason_text: draft.reason_text,
            finished_at,
            content_type: draft.content_type,
            result: draft.result,
        }
    }
}

impl Draft {
    pub(super) fn has_to_be_published(&self) -> bool {
        matches!(self.decision, Decision::Succeeded | Decision::DeadLettered)
    }
}

/// A run, as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRecord {
    /// The run's number, rising with the claims of its worker; the cursor of lists.
    pub number: i64,
    pub run_id: Uuid,
    pub topic: String,
    pub place: Place,
    pub claimed_at: Timestamp,
    pub attempts: u32,
    /// None: in flight. Its result's bytes are left out.
    pub decision: Option<Recorded>,
}

/// What became of everything a listener received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    pub received: u64,
    pub succeeded: u64,
    pub dead_lettered: u64,
    pub filtered: u64,
    pub dropped: u64,
    /// Received and not decided.
    pub in_flight: u64,
}
