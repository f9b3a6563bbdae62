//! Decisions, and what they publish.

use std::time::{Duration, Instant};

use bytes::Bytes;
use domain::run::{AttemptOutcome, CallTime, RunEnd};
use domain::settlement::{Decision, FailureFingerprint, Reason};
use domain::{AlgorithmId, Position, RunId, TopicId, Version};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::record::RunKey;

/// How an output is stored that is a dead letter.
pub(super) const DEAD_LETTERED: &str = "DEAD_LETTERED";

/// The first half of a result's SHA-256.
pub type ResultDigest = [u8; 16];

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
    /// Of the failure that it ends with, if it does.
    pub failure: Option<FailureFingerprint>,
    /// Of the result, if there is one, whether it is published or not.
    pub digest: Option<ResultDigest>,
    /// The call that it follows from; none where it was read from the journal.
    pub call: Option<Timing>,
    pub pending: Pending,
}

/// When a call was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    pub began: Instant,
    pub took: Duration,
}

/// A call that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedCall {
    pub timing: Timing,
    pub version: Version,
    pub outcome: AttemptOutcome,
    pub status: Option<u16>,
    /// For people; only the beginning of a long one is kept.
    pub text: String,
    /// Whether it counts among those that the retry policy allows.
    pub is_counted: bool,
}

/// What is yet to be published of a decided run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Pending {
    #[default]
    Nothing,
    /// Its message, to the dead letter queue of the time.
    DeadLetter,
    Result(Publication),
}

/// A result, and where the decision sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// The topics that do not have it yet.
    pub outputs: Vec<TopicId>,
    /// The key of the message that it is the result of.
    pub key: Option<Bytes>,
    /// The W3C trace parent that it carries.
    pub traceparent: Bytes,
    pub representation: Representation,
    pub body: Bytes,
}

/// What came of recording a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The draft stands, since then.
    Recorded(Timestamp),
    /// Another decision was there before.
    Earlier(Box<Recorded>),
    /// The run ended so long ago that it is not kept any more. Nothing was recorded.
    Forgotten,
}

/// A decision as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// What was decided, with what is still to be published of it.
    pub draft: Draft,
    pub finished_at: Timestamp,
}

/// How an output of a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputEnd {
    Published,
    /// Its publisher was gone.
    Withdrawn,
    /// Its topic does not take messages of that size.
    TooLarge,
    /// It is the message itself, and its dead letter queue has it.
    DeadLettered,
}

/// A result in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpublished {
    pub run: RunKey,
    pub run_id: RunId,
    pub algorithm: AlgorithmId,
    /// The consumer group of its listener; none for a direct run.
    pub listener: Option<Uuid>,
    /// The version that was called.
    pub version: Version,
    pub publication: Publication,
}

/// The digest of a result.
pub fn digest(result: &[u8]) -> ResultDigest {
    let mut half = ResultDigest::default();
    half.copy_from_slice(&Sha256::digest(result)[..16]);
    half
}

impl Draft {
    /// The result, if there is one to publish.
    pub(super) fn publication(&self) -> Option<&Publication> {
        match &self.pending {
            Pending::Result(publication) => Some(publication),
            Pending::Nothing | Pending::DeadLetter => None,
        }
    }

    /// The topics that the result goes to, if there is one to publish.
    pub(super) fn outputs(&self) -> Option<&[TopicId]> {
        Some(&self.publication()?.outputs)
    }

    /// Makes it the decision on a failure.
    pub(crate) fn fail(&mut self, decision: Decision, reason: Reason, text: String) {
        self.failure = Some(FailureFingerprint::of(reason, self.status, &text));
        self.decision = decision;
        self.reason = Some(reason);
        self.reason_text = Some(text);
    }

    /// The size of the result to be stored, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.publication()
            .map_or(0, |publication| publication.body.len())
    }
}

/// A list of topics, as stored.
pub(super) fn topic_list(topics: &[TopicId]) -> String {
    let topics: Vec<_> = topics.iter().map(ToString::to_string).collect();
    topics.join("\n")
}

impl OutputEnd {
    /// As stored.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Published => "PUBLISHED",
            Self::Withdrawn => "WITHDRAWN",
            Self::TooLarge => "TOO_LARGE",
            Self::DeadLettered => DEAD_LETTERED,
        }
    }
}

impl Timing {
    /// When it began, if it is `now`, in microseconds since 1970: by the clock of the store.
    pub(super) fn began_at(&self, now: i64) -> i64 {
        let ago = i64::try_from(self.began.elapsed().as_micros()).unwrap_or(i64::MAX);
        now.saturating_sub(ago)
    }

    /// How long it took, in microseconds.
    pub(super) fn micros(&self) -> i64 {
        i64::try_from(self.took.as_micros()).unwrap_or(i64::MAX)
    }
}

/// A call as stored.
pub(super) fn call_time(began_at: i64, micros: i64) -> Result<CallTime, jiff::Error> {
    Ok(CallTime {
        began_at: Timestamp::from_microsecond(began_at)?,
        took: Duration::from_micros(u64::try_from(micros).unwrap_or_default()),
    })
}

impl From<Recorded> for RunEnd {
    fn from(recorded: Recorded) -> Self {
        let Recorded { draft, finished_at } = recorded;
        Self {
            decision: draft.decision,
            version: draft.version,
            status: draft.status,
            reason: draft.reason,
            reason_text: draft.reason_text,
            failure: draft.failure,
            call: None,
            finished_at,
        }
    }
}
