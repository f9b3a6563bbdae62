//! Runs and ledgers over GraphQL. They live in the workers' journal, behind a port.

pub mod direct;
pub mod query;
pub mod target;
pub mod types;

use async_trait::async_trait;
use domain::settlement::Decision;
use jiff::Timestamp;
use uuid::Uuid;

pub use types::{Ledger, Run};

/// One message taken through one listener, as the journal has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRecord {
    pub id: Uuid,
    /// The key that pages are ordered by, the newest first.
    pub key: String,
    /// What the message is on its broker, for example `topic/partition/offset`.
    pub message: String,
    pub claimed_at: Timestamp,
    pub attempts: u32,
    /// Null while the run lasts.
    pub decision: Option<Decision>,
    /// The version that was called last.
    pub version: Option<String>,
    /// The HTTP status of the last answer.
    pub status: Option<u16>,
    pub reason: Option<String>,
    pub reason_text: Option<String>,
    pub finished_at: Option<Timestamp>,
}

/// What became of the messages that a listener received. It always balances:
/// received = succeeded + dead-lettered + filtered + dropped + in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LedgerRecord {
    pub received: u64,
    pub succeeded: u64,
    pub dead_lettered: u64,
    pub filtered: u64,
    pub dropped: u64,
    pub in_flight: u64,
}

/// Why the journal could not answer.
#[derive(Debug, thiserror::Error)]
#[error("the journal is unavailable")]
pub struct RunSourceError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Where runs are read.
#[async_trait]
pub trait RunSource: Send + Sync {
    /// Up to `limit` runs of the listener with that consumer group, the newest first, after the
    /// one with the key `after`.
    async fn runs(
        &self,
        group: Uuid,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<RunRecord>, RunSourceError>;

    /// The ledger of the listener with that consumer group.
    async fn ledger(&self, group: Uuid) -> Result<LedgerRecord, RunSourceError>;
}
