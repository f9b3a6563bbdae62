//! What a store of the journal does, whatever database it is.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use domain::RunId;
use domain::run::{Ledger, Run};

use super::operation::{Answer, Operation};

/// Writes to the journal. Called from one thread, which may wait.
pub(super) trait Store: Send + 'static {
    /// Does all of `operations` in order, in one transaction, and answers each. What was answered
    /// survives a power cut.
    ///
    /// # Errors
    /// Nothing of it was done.
    fn commit(&mut self, operations: &[Operation]) -> Result<Vec<Answer>, StoreError>;
}

/// Reads the journal: for people, and seldom.
#[async_trait]
pub(super) trait Reads: Send + Sync {
    /// The runs of each page, the newest first.
    async fn pages(&self, pages: Vec<Page>) -> Result<Vec<Vec<Run>>, ReadError>;

    async fn run(&self, owner: String, id: RunId) -> Result<Option<Run>, ReadError>;

    /// The ledgers of owners, in their order.
    async fn ledgers(&self, owners: Vec<String>) -> Result<Vec<Ledger>, ReadError>;
}

/// Runs of an owner with a number below `before`, so many at most.
#[derive(Clone, Debug)]
pub(super) struct Page {
    pub(super) owner: String,
    pub(super) before: i64,
    pub(super) limit: u32,
}

/// Why the journal was not read.
pub(super) type ReadError = Arc<dyn Error + Send + Sync>;

/// Why nothing was done.
#[derive(Clone, Debug)]
pub(super) enum StoreError {
    /// One of the operations cannot be done; the others might.
    Operation(Arc<dyn Error + Send + Sync>),
    /// The store does not answer, or cannot write now.
    Unavailable(Arc<dyn Error + Send + Sync>),
    /// It is not known any more what is on the disk: nothing may be written by this process.
    Broken(Arc<dyn Error + Send + Sync>),
}

impl StoreError {
    pub(super) fn cause(&self) -> &Arc<dyn Error + Send + Sync> {
        match self {
            Self::Operation(cause) | Self::Unavailable(cause) | Self::Broken(cause) => cause,
        }
    }
}
