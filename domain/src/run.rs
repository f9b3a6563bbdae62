//! Runs and ledgers, as a worker's journal records them and the API shows them.

mod attempt;
mod correlation;
pub mod direct;
mod list;
mod workflow;

use std::fmt;
use std::pin::Pin;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use serde::de::{IntoDeserializer, value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use attempt::{Attempt, AttemptOutcome};
pub use correlation::{CorrelationId, NoCorrelationId, Standing};
pub use direct::{
    DirectError, DirectFailure, DirectOutcome, DirectResult, DirectRun, DirectRunner, StartedRun,
};
pub use list::{End, MessagePlace, NoMessagePlace, RunFilter, RunList, RunPage};
pub use workflow::{Step, Workflow};

use crate::algorithm::{CallSettings, Protocol, VersionPublished};
use crate::consumer::ConsumerStatus;
use crate::ids::{AlgorithmId, RunId, TopicId};
use crate::sample::KeptSample;
use crate::series::{Point, Span};
use crate::settlement::{Decision, FailureFingerprint, Reason, UnknownCode};
use crate::version::Version;

/// An answer that is waited for, of a port that has several implementations.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One message taken through one listener to its decision, or one direct call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub id: RunId,
    pub owner: Owner,
    pub algorithm: AlgorithmId,
    /// Rises with the claims, of all owners; lists are ordered by it.
    pub number: i64,
    /// None for a direct call.
    pub message: Option<RunMessage>,
    /// The workflow that it is part of.
    pub correlation: CorrelationId,
    /// The run whose output or dead letter the message is.
    pub parent: Option<RunId>,
    pub claimed_at: Timestamp,
    /// Calls begun.
    pub attempts: u32,
    /// How it ended; none while it is in flight.
    pub end: Option<RunEnd>,
    /// Where its result goes, as decided.
    pub outputs: Vec<RunOutput>,
    /// The dead letter queue that has its message.
    pub dead_letter: Option<TopicId>,
}

/// Whose runs they are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// The listener with that consumer group.
    Listener(Uuid),
    /// The direct callers of an algorithm, who have counters and retention as a listener has.
    DirectCallers(AlgorithmId),
}

/// A text that names nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither a consumer group nor direct callers")]
pub struct NoOwner(String);

/// The message of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunMessage {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    /// As its broker says.
    pub sent_at: Option<Timestamp>,
}

/// Where a message stands in its topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    pub topic: &'a str,
    pub partition: i32,
    pub offset: i64,
}

/// A topic that a run's result goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunOutput {
    pub topic: TopicId,
    pub state: OutputState,
}

/// How far a result has come on its way to a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OutputState {
    /// It is not known to be there.
    Waiting,
    Published,
    /// Its publisher was gone before it was published.
    Withdrawn,
    /// The topic does not take messages of its size.
    TooLarge,
}

/// The recorded end of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEnd {
    pub decision: Decision,
    /// The version that was called last.
    pub version: Option<Version>,
    /// The HTTP status of the last answer.
    pub status: Option<u16>,
    pub reason: Option<Reason>,
    pub reason_text: Option<String>,
    /// Of the failure, if it ended with one.
    pub failure: Option<FailureFingerprint>,
    /// When the last call was made.
    pub call: Option<CallTime>,
    pub finished_at: Timestamp,
}

/// When a call was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallTime {
    pub began_at: Timestamp,
    pub took: Duration,
}

/// What became of the messages that a listener received. It always balances:
/// received = succeeded + dead-lettered + filtered + dropped + in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    pub received: u64,
    pub succeeded: u64,
    pub dead_lettered: u64,
    pub filtered: u64,
    pub dropped: u64,
    /// Received and not decided.
    pub in_flight: u64,
    /// Outputs of succeeded runs whose publishers were gone before they were published.
    pub outputs_withdrawn: u64,
    /// Outputs of succeeded runs that were too large for their topics.
    pub outputs_too_large: u64,
    /// Messages that the broker deleted before they were read: not among those that were received.
    pub missed: u64,
}

/// A version as it is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalledVersion {
    pub version: Version,
    pub endpoint: String,
    pub protocol: Protocol,
    /// How long one call may take.
    pub timeout_ms: u64,
    #[serde(flatten)]
    pub calls: CallSettings,
}

/// Where runs, and what consumers are doing, are read: the workers' journal.
pub trait RunSource: Send + Sync {
    /// What is found of each of those pages. They share what one search may look at.
    fn pages(&self, pages: Vec<RunPage>) -> BoxFuture<'_, Result<Vec<RunList>, RunSourceError>>;

    /// The calls of the runs with those numbers that did not succeed, in the order in which they
    /// were made; the last of many.
    fn attempts(&self, runs: Vec<i64>) -> BoxFuture<'_, Result<Vec<Vec<Attempt>>, RunSourceError>>;

    /// The ledgers of the listeners with those consumer groups, in their order.
    fn ledgers(&self, groups: Vec<Uuid>) -> BoxFuture<'_, Result<Vec<Ledger>, RunSourceError>>;

    /// What is kept of the messages and calls of runs, each of a listener and by its number; in
    /// their order.
    fn samples(
        &self,
        runs: Vec<(Uuid, i64)>,
    ) -> BoxFuture<'_, Result<Vec<Option<KeptSample>>, RunSourceError>>;

    /// What the listeners with those consumer groups did in those times, a point for each step.
    fn series(
        &self,
        spans: Vec<(Uuid, Span)>,
    ) -> BoxFuture<'_, Result<Vec<Vec<Point>>, RunSourceError>>;

    /// What the consumers of the listeners with those consumer groups are doing, in their order.
    fn consumers(
        &self,
        groups: Vec<Uuid>,
    ) -> BoxFuture<'_, Result<Vec<Vec<ConsumerStatus>>, RunSourceError>>;
}

/// Why the journal could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the journal is unavailable")]
pub struct RunSourceError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// What the owner of direct runs begins with.
const DIRECT: &str = "direct:";

/// As stored: a bare UUID is a consumer group.
impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listener(group) => group.fmt(f),
            Self::DirectCallers(algorithm) => write!(f, "{DIRECT}{algorithm}"),
        }
    }
}

impl FromStr for Owner {
    type Err = NoOwner;

    fn from_str(text: &str) -> Result<Self, NoOwner> {
        let owner = match text.strip_prefix(DIRECT) {
            Some(algorithm) => algorithm.parse().ok().map(Self::DirectCallers),
            None => text.parse().ok().map(Self::Listener),
        };
        owner.ok_or_else(|| NoOwner(text.to_owned()))
    }
}

/// What the message is on its broker: `topic/partition/offset`.
impl fmt::Display for RunMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            topic,
            partition,
            offset,
            ..
        } = self;
        write!(f, "{topic}/{partition}/{offset}")
    }
}

impl FromStr for OutputState {
    type Err = UnknownCode;

    fn from_str(code: &str) -> Result<Self, UnknownCode> {
        let read = Self::deserialize(code.into_deserializer());
        read.map_err(|_: value::Error| UnknownCode(code.to_owned()))
    }
}

impl From<&VersionPublished> for CalledVersion {
    fn from(published: &VersionPublished) -> Self {
        Self {
            version: published.version.clone(),
            endpoint: published.endpoint.clone(),
            protocol: published.protocol,
            timeout_ms: published.timeout_ms,
            calls: published.calls,
        }
    }
}
