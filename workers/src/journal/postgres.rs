//! The journal in PostgreSQL, shared by several workers.
//!
//! A batch is one transaction with one statement for each kind of operation, because round trips to
//! the database are what costs. Operations that touch the same run are executed in rounds, in their
//! order. Times are the database's.

mod attempts;
mod claims;
mod confirmations;
mod connection;
mod consumers;
mod decisions;
mod error;
mod outbox;
mod positions;
mod reads;
mod retention;
mod round;
mod samples;
mod search;
mod series;
mod transaction;

use std::collections::HashSet;
use std::sync::Arc;

use domain::lease::Epoch;
use domain::{JournalId, TopicId, WorkerId};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection, Transaction};
use tokio::runtime::Handle;
use tokio::time::timeout;
use uuid::Uuid;

use self::connection::{COMMITTED_WITHIN, CONNECTED_WITHIN};
use self::error::{classify, is_collision, is_lost};
use self::transaction::Batch;
use super::operation::{Answer, Operation};
use super::store::{EpochOver, Store, StoreError, is_mixed, one_by_one};

pub(super) use self::connection::OpenError;
pub(super) use self::reads::PostgresReader;

/// How often a batch is tried when it collides with another worker's, or loses its connection.
const TRIES: u32 = 5;

/// Owns one connection that writes to the journal.
pub(super) struct PostgresStore {
    options: PgConnectOptions,
    id: JournalId,
    /// `None` before the first batch, and after one that failed.
    connection: Option<PgConnection>,
    worker: WorkerId,
    /// The epoch of the process that may write for this worker, as far as is known; none where none
    /// has.
    epoch: Option<i64>,
    runtime: Handle,
    memory: Memory,
}

/// What a worker knows of the journal without reading, because it never changes.
#[derive(Default)]
struct Memory {
    /// Lists of topics that are written down.
    destinations: HashSet<Uuid>,
}

impl PostgresStore {
    /// Opens the journal in the database at `url`, making its tables where there are none.
    pub(super) async fn open(url: &str, worker: WorkerId) -> Result<Self, OpenError> {
        let options = connection::options(url)?;
        let (id, epoch) = connection::prepare(&options, worker).await?;
        Ok(Self {
            options,
            id,
            connection: None,
            worker,
            epoch,
            runtime: Handle::current(),
            memory: Memory::default(),
        })
    }

    pub(super) fn id(&self) -> JournalId {
        self.id
    }

    pub(super) fn epoch(&self) -> Epoch {
        Epoch(self.epoch.unwrap_or_default().unsigned_abs())
    }

    pub(super) fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    async fn commit_all(
        &mut self,
        operations: &[Operation],
    ) -> Result<Result<Vec<Answer>, EpochOver>, sqlx::Error> {
        let mut tries = 0;
        loop {
            tries += 1;
            let was_open = self.connection.is_some();
            match self.try_commit(operations).await {
                Ok(answers) => return Ok(answers),
                // A connection that had been idle may have been closed long ago.
                Err(error) if is_lost(&error) && was_open && tries < TRIES => {}
                Err(error) if is_collision(&error) && tries < TRIES => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn try_commit(
        &mut self,
        operations: &[Operation],
    ) -> Result<Result<Vec<Answer>, EpochOver>, sqlx::Error> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let connecting = connection::connect(&self.options);
                let connected = timeout(CONNECTED_WITHIN, connecting).await;
                connected.map_err(|_| sqlx::Error::PoolTimedOut)??
            }
        };
        let committing = async {
            let tx = connection.begin().await?;
            self.run(tx, operations).await
        };
        let committed = timeout(COMMITTED_WITHIN, committing).await;
        let answers = committed.map_err(|_| sqlx::Error::PoolTimedOut)??;
        // After an error it is closed, and with it the state that the failure left it in.
        self.connection = Some(connection);
        Ok(answers)
    }

    async fn run(
        &self,
        mut tx: Transaction<'_, sqlx::Postgres>,
        operations: &[Operation],
    ) -> Result<Result<Vec<Answer>, EpochOver>, sqlx::Error> {
        let (mut batch, stored) = Batch::begin(&mut tx, self.worker, &self.memory).await?;
        if stored != self.epoch && !matches!(operations, [Operation::TakeOver(_)]) {
            return Ok(Err(EpochOver));
        }
        let answers = round::apply(&mut batch, operations).await?;
        batch.finish().await?;
        tx.commit().await?;
        Ok(Ok(answers))
    }
}

impl Store for PostgresStore {
    fn commit(&mut self, operations: &[Operation]) -> Result<Vec<Answer>, StoreError> {
        if is_mixed(operations) {
            return Err(one_by_one());
        }
        let runtime = self.runtime.clone();
        let committed = runtime.block_on(self.commit_all(operations));
        let answers = committed.map_err(classify)?;
        let answers = answers.map_err(|over| StoreError::TakenOver(Arc::new(over)))?;
        if let ([Operation::TakeOver(taken)], [Answer::TakeOver(true)]) = (operations, &*answers)
            && taken.worker == self.worker
        {
            self.epoch = Some(stored(taken.epoch));
        }
        self.memory.learn(operations);
        Ok(answers)
    }
}

impl Memory {
    /// Takes note of what a committed batch has written down.
    fn learn(&mut self, operations: &[Operation]) {
        for operation in operations {
            if let Some(outputs) = operation.outputs() {
                self.destinations.insert(destination(outputs));
            }
        }
    }
}

/// An epoch as it is stored.
fn stored(epoch: Epoch) -> i64 {
    i64::try_from(epoch.0).unwrap_or(i64::MAX)
}

/// What a list of topics is called.
fn destination(topics: &[TopicId]) -> Uuid {
    let list = super::decision::topic_list(topics);
    Uuid::new_v5(&Uuid::nil(), list.as_bytes())
}

#[cfg(test)]
mod tests;
