//! The port to the database that holds the journal.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use domain::consumer::ConsumerStatus;
use domain::lease::Epoch;
use domain::run::{Attempt, Ledger, RunList, RunPage};
use domain::sample::KeptSample;
use domain::series::{Measured, Span};
use domain::{Position, WorkerId};
use uuid::Uuid;

use super::operation::{Answer, Operation};

/// Writes to the journal. Called from one thread, which may wait.
pub(super) trait Store: Send + 'static {
    /// Commits `operations` in order, in one transaction, and returns an answer for each. What was
    /// committed survives a power cut.
    ///
    /// # Errors
    /// Nothing was committed.
    fn commit(&mut self, operations: &[Operation]) -> Result<Vec<Answer>, StoreError>;
}

/// Reads the journal: for people, and seldom.
#[async_trait]
pub(super) trait Reads: Send + Sync {
    /// What is found of each page, the newest first.
    async fn pages(&self, pages: Vec<RunPage>) -> Result<Vec<RunList>, ReadError>;

    /// The calls of runs that did not succeed, in the order of the runs.
    async fn attempts(&self, runs: Vec<i64>) -> Result<Vec<Vec<Attempt>>, ReadError>;

    /// The ledgers of owners, in their order.
    async fn ledgers(&self, owners: Vec<String>) -> Result<Vec<Ledger>, ReadError>;

    /// The samples of runs, each of a listener and by its number, in their order.
    async fn samples(&self, runs: Vec<(Uuid, i64)>) -> Result<Vec<Option<KeptSample>>, ReadError>;

    /// What was measured of listeners, in the order of those that are asked for, each by the seconds at
    /// which its steps begin.
    async fn series(
        &self,
        spans: Vec<(Uuid, Span)>,
    ) -> Result<Vec<Vec<(i64, Measured)>>, ReadError>;

    /// What the consumers of listeners are doing, in the order of their consumer groups.
    async fn consumers(&self, groups: Vec<Uuid>) -> Result<Vec<Vec<ConsumerStatus>>, ReadError>;

    /// The workers that have not come so far and whose leases have not ended.
    async fn unconfirmed(&self, position: Position) -> Result<Vec<WorkerId>, ReadError>;

    /// The workers that share the journal, with their epochs; none where it belongs to one.
    async fn workers(&self) -> Result<Vec<(WorkerId, Epoch)>, ReadError>;
}

/// Why the journal could not be read.
pub(super) type ReadError = Arc<dyn Error + Send + Sync>;

/// Why nothing was committed.
#[derive(Clone, Debug)]
pub(super) enum StoreError {
    /// One of the operations failed; the others may succeed without it.
    Operation(Arc<dyn Error + Send + Sync>),
    /// The store cannot be reached, or cannot write now.
    Unavailable(Arc<dyn Error + Send + Sync>),
    /// Another process has taken over this worker's part of the journal.
    TakenOver(Arc<dyn Error + Send + Sync>),
    /// What is on the disk is unknown: this process must not write any more.
    Broken(Arc<dyn Error + Send + Sync>),
}

impl StoreError {
    pub(super) fn cause(&self) -> &Arc<dyn Error + Send + Sync> {
        match self {
            Self::Operation(cause)
            | Self::Unavailable(cause)
            | Self::TakenOver(cause)
            | Self::Broken(cause) => cause,
        }
    }
}

/// Why a batch was refused that was to be committed in an epoch that is over.
#[derive(Debug, thiserror::Error)]
#[error("another process has taken over what this one did")]
pub(super) struct EpochOver;

/// Whether an operation must be committed alone, since it is what changes the epoch.
pub(super) fn is_mixed(operations: &[Operation]) -> bool {
    let takes_over = |operation: &Operation| matches!(operation, Operation::TakeOver(_));
    operations.len() > 1 && operations.iter().any(takes_over)
}

/// Has the operations be committed one by one.
pub(super) fn one_by_one() -> StoreError {
    StoreError::Operation(Arc::new(std::io::Error::other(
        "a journal is taken over by a commit of its own",
    )))
}
