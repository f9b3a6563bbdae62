//! Runs and ledgers, as a worker's journal records them and the API shows them.

pub mod direct;

use std::pin::Pin;
use std::str::FromStr;

use jiff::Timestamp;
use serde::de::{IntoDeserializer, value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use direct::{
    DirectError, DirectFailure, DirectOutcome, DirectResult, DirectRun, DirectRunner, StartedRun,
};

use crate::algorithm::{CallSettings, Protocol, VersionPublished};
use crate::consumer::ConsumerStatus;
use crate::ids::{RunId, TopicId};
use crate::sample::KeptSample;
use crate::settlement::{Decision, FailureFingerprint, Reason, UnknownCode};
use crate::version::Version;

/// An answer that is waited for, of a port that has several implementations.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One message taken through one listener to its decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub id: RunId,
    /// Rises with the claims of its worker; lists are ordered by it.
    pub number: i64,
    /// What the message is on its broker: `topic/partition/offset`.
    pub message: String,
    pub claimed_at: Timestamp,
    /// Calls begun.
    pub attempts: u32,
    /// How it ended; none while it is in flight.
    pub end: Option<RunEnd>,
    /// Where its result goes, as decided.
    pub outputs: Vec<RunOutput>,
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
    pub finished_at: Timestamp,
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

/// Which runs of a listener are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RunPage {
    /// The consumer group of the listener.
    pub group: Uuid,
    /// Only runs with a lower number; all where there is none.
    pub before: Option<i64>,
    pub limit: u32,
}

/// Where runs, and what consumers are doing, are read: the workers' journal.
pub trait RunSource: Send + Sync {
    /// The runs of each of those pages, the newest first.
    fn pages(&self, pages: Vec<RunPage>) -> BoxFuture<'_, Result<Vec<Vec<Run>>, RunSourceError>>;

    /// The ledgers of the listeners with those consumer groups, in their order.
    fn ledgers(&self, groups: Vec<Uuid>) -> BoxFuture<'_, Result<Vec<Ledger>, RunSourceError>>;

    /// What is kept of the messages and calls of runs, each of a listener and by its number; in
    /// their order.
    fn samples(
        &self,
        runs: Vec<(Uuid, i64)>,
    ) -> BoxFuture<'_, Result<Vec<Option<KeptSample>>, RunSourceError>>;

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
