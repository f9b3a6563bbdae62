//! The journal: the durable record of runs, attempts and decisions, and the outbox.
//!
//! A SQLite file on a local disk, for one process. What was answered survives a power cut. One
//! writer commits everything that waits in one transaction, so durability costs little under load.

mod batch;
mod insert;
mod reads;
mod record;
mod retention;
mod schema;
mod writer;

use std::path::Path;
use std::sync::Arc;

use domain::Clock;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use self::writer::{Op, Writer};

pub use self::record::{
    Claim, Claimed, Draft, Ledger, ListenerKey, Outcome, Place, Recorded, RunKey, RunRecord,
};
pub use self::retention::Retention;
pub use self::schema::OpenError;

/// Operations that may wait for the writer; further callers wait to get in line.
const QUEUE: usize = 4096;

const READERS: u32 = 2;

/// Why the journal did not answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum JournalError {
    #[error("the journal could not be written")]
    Write(#[source] Arc<sqlx::Error>),
    #[error("the journal could not be read")]
    Read(#[source] Arc<sqlx::Error>),
    #[error("the journal is closed")]
    Closed,
}

/// The journal of one worker. Clones share it.
#[derive(Clone)]
pub struct Journal {
    queue: mpsc::Sender<Op>,
    readers: SqlitePool,
}

impl Journal {
    /// Opens the journal at `path`, making it where there is none, and starts its writer on a thread
    /// of its own. The writer ends with the last clone, after what is in line.
    pub async fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let (queue, ops) = mpsc::channel(QUEUE);
        let writer = Writer::open(path, clock).await?;
        writer.start(ops)?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .test_before_acquire(false)
            .connect_lazy_with(schema::read_options(path));
        Ok(Self { queue, readers })
    }

    /// The key of the listener whose consumer group is `group`, for claims.
    pub async fn listener(&self, group: &str, topic: &str) -> Result<ListenerKey, JournalError> {
        self.ask(|answer| Op::Listener {
            group: group.to_owned(),
            topic: topic.to_owned(),
            answer,
        })
        .await
    }

    /// Takes a message, or finds what is known of it from before.
    pub async fn claim(&self, claim: Claim) -> Result<Claimed, JournalError> {
        self.ask(|answer| Op::Claim { claim, answer }).await
    }

    /// Counts a call that is about to be made; answers how many were counted in all.
    pub async fn attempt(&self, run: RunKey) -> Result<u32, JournalError> {
        self.ask(|answer| Op::Attempt { run, answer }).await
    }

    /// Takes back calls that were not the message's fault. Durable some time later.
    pub async fn refund(&self, run: RunKey, attempts: u32) -> Result<(), JournalError> {
        self.send(Op::Refund { run, attempts }).await
    }

    /// Records the decision of a run, or finds the one that was recorded before: whoever gets
    /// [`Outcome::Earlier`] publishes that and nothing of its own.
    pub async fn decide(&self, run: RunKey, draft: Draft) -> Result<Outcome, JournalError> {
        self.ask(|answer| Op::Decide { run, draft, answer }).await
    }

    /// Notes that a decided run is published; its result's bytes go. Durable some time later.
    pub async fn published(&self, run: RunKey) -> Result<(), JournalError> {
        self.send(Op::Published { run }).await
    }

    /// Deletes finished runs beyond `retention`, some thousands at most; answers how many. The
    /// ledger keeps counting them.
    pub async fn prune(&self, retention: Retention) -> Result<u64, JournalError> {
        self.ask(|answer| Op::Prune { retention, answer }).await
    }

    /// Up to `limit` runs of the listener with that consumer group, newest first, from before the
    /// run numbered `before`.
    pub async fn runs(
        &self,
        group: &str,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<RunRecord>, JournalError> {
        reads::runs(&self.readers, group, before, limit)
            .await
            .map_err(JournalError::read)
    }

    /// One run of the listener with that consumer group. Recent ones are found at once, old ones
    /// by a scan.
    pub async fn run(&self, group: &str, id: Uuid) -> Result<Option<RunRecord>, JournalError> {
        reads::run(&self.readers, group, id)
            .await
            .map_err(JournalError::read)
    }

    /// What became of everything the listener with that consumer group received.
    pub async fn ledger(&self, group: &str) -> Result<Ledger, JournalError> {
        reads::ledger(&self.readers, group)
            .await
            .map_err(JournalError::read)
    }

    async fn ask<T>(
        &self,
        op: impl FnOnce(oneshot::Sender<Result<T, JournalError>>) -> Op,
    ) -> Result<T, JournalError> {
        let (answer, outcome) = oneshot::channel();
        self.send(op(answer)).await?;
        outcome.await.map_err(|_| JournalError::Closed)?
    }

    async fn send(&self, op: Op) -> Result<(), JournalError> {
        self.queue.send(op).await.map_err(|_| JournalError::Closed)
    }
}

impl JournalError {
    fn read(error: sqlx::Error) -> Self {
        Self::Read(Arc::new(error))
    }
}

#[cfg(test)]
mod tests;
