//! The journal in a SQLite file on a local disk, for one process.

mod attempts;
mod batch;
mod claims;
mod confirmations;
mod consumers;
mod decisions;
mod outbox;
mod positions;
mod reads;
mod retention;
mod samples;
mod schema;
mod search;
mod series;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::lease::Epoch;
use domain::{Clock, JournalId};
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use uuid::Uuid;

use self::batch::{Batch, Memory};
use super::operation::{Answer, Operation};
use super::store::{EpochOver, Store, StoreError, is_mixed, one_by_one};

pub(super) use self::reads::SqliteReader;
pub(super) use self::schema::OpenError;

/// Owns the one connection that writes to the journal.
pub(super) struct SqliteStore {
    path: PathBuf,
    id: JournalId,
    /// The epoch of the process that may write, as far as is known.
    epoch: i64,
    /// `None` after a failed transaction.
    connection: Option<Connection>,
    clock: Arc<dyn Clock>,
    memory: Memory,
}

impl SqliteStore {
    /// Opens the journal at `path`, making it where there is none.
    pub(super) async fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        schema::prepare(path).await?;
        let connection = schema::writer(path).map_err(OpenError::Connect)?;
        let next_run =
            connection.query_row("SELECT coalesce(max(run), 0) + 1 FROM runs", (), |row| {
                row.get(0)
            });
        let row = connection.query_row("SELECT id, epoch FROM journal", (), |row| {
            Ok((row.get(0)?, row.get(1)?))
        });
        let (id, epoch) = row.map_err(OpenError::Connect)?;
        Ok(Self {
            path: path.to_owned(),
            id: JournalId(Uuid::from_bytes(id)),
            epoch,
            memory: Memory::new(next_run.map_err(OpenError::Connect)?),
            connection: Some(connection),
            clock,
        })
    }

    pub(super) fn id(&self) -> JournalId {
        self.id
    }

    pub(super) fn epoch(&self) -> Epoch {
        Epoch(self.epoch.unsigned_abs())
    }

    fn try_commit(&mut self, operations: &[Operation]) -> Result<Vec<Answer>, StoreError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => schema::writer(&self.path).map_err(unavailable)?,
        };
        let tx = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(unavailable)?;
        // Another process may have the same file, and have taken it over while this one slept.
        let stored = stored_epoch(&tx).map_err(unavailable)?;
        if stored != self.epoch && !matches!(operations, [Operation::TakeOver(_)]) {
            return Err(StoreError::TakenOver(Arc::new(EpochOver)));
        }
        let answers = apply(&tx, operations, self.clock.now(), &mut self.memory).map_err(undone)?;
        tx.commit().map_err(uncommitted)?;
        // After an error it is closed, and with it the state that the failure left it in.
        self.connection = Some(connection);
        Ok(answers)
    }
}

impl Store for SqliteStore {
    fn commit(&mut self, operations: &[Operation]) -> Result<Vec<Answer>, StoreError> {
        if is_mixed(operations) {
            return Err(one_by_one());
        }
        let next_run = self.memory.next_run;
        let committed = self.try_commit(operations);
        if let ([Operation::TakeOver(taken)], Ok([Answer::TakeOver(true)])) =
            (operations, committed.as_deref())
        {
            self.epoch = stored(taken.epoch);
        }
        if committed.is_err() {
            // What the batch had learned is not so, except perhaps of what it deleted.
            self.memory = Memory {
                perhaps_deleted: self.memory.perhaps_deleted,
                ..Memory::new(next_run)
            };
        }
        committed
    }
}

fn stored_epoch(tx: &Transaction<'_>) -> rusqlite::Result<i64> {
    let mut select = tx.prepare_cached("SELECT epoch FROM journal")?;
    select.query_row((), |row| row.get(0))
}

/// An epoch as it is stored.
fn stored(epoch: Epoch) -> i64 {
    i64::try_from(epoch.0).unwrap_or(i64::MAX)
}

fn apply(
    tx: &Transaction<'_>,
    operations: &[Operation],
    now: jiff::Timestamp,
    memory: &mut Memory,
) -> rusqlite::Result<Vec<Answer>> {
    let mut batch = Batch::new(tx, now, memory);
    let answers = operations.iter().map(|operation| batch.apply(operation));
    let answers = answers.collect::<Result<_, _>>()?;
    batch.finish()?;
    Ok(answers)
}

/// Whose fault an error is that occurs while operations are executed.
fn undone(error: rusqlite::Error) -> StoreError {
    let is_of_operation = match &error {
        rusqlite::Error::SqliteFailure(failure, _) => matches!(
            failure.code,
            ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig
        ),
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::QueryReturnedNoRows
        | rusqlite::Error::ToSqlConversionFailure(..) => true,
        _ => false,
    };
    if is_of_operation {
        StoreError::Operation(Arc::new(error))
    } else {
        unavailable(error)
    }
}

/// After a failed write, the kernel may count pages as written that are not on the disk.
fn uncommitted(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::SystemIoFailure) => StoreError::Broken(Arc::new(error)),
        _ => unavailable(error),
    }
}

fn unavailable(error: rusqlite::Error) -> StoreError {
    StoreError::Unavailable(Arc::new(error))
}

#[cfg(test)]
mod tests;
