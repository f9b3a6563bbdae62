//! The port to the databases that hold read tables, and what their SQL is made of.
//!
//! A statement is written once, in words that SQLite and PostgreSQL both take: `?1` for values,
//! `ON CONFLICT … DO UPDATE`, `IS DISTINCT FROM`, flags as 0 and 1, `CAST(… AS BIGINT)` where JSON
//! becomes a number. Of SQLite's own words `glob`, `instr`, `json_each` and `->>` are used, which
//! the tables in PostgreSQL bring with them.

pub(crate) mod postgres;
mod row;
pub(crate) mod sqlite;
mod statement;

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::migrate::Migrator;

pub(crate) use self::row::{FromRow, FromValue, Row};
pub(crate) use self::statement::{Statement, Value, text, texts};
use crate::error::ReadModelError;

/// What is done in a transaction.
pub(crate) type Work<'w> = dyn FnMut(&mut dyn Tx) -> Result<(), ReadModelError> + 'w;

/// A write transaction under way. Its calls block.
pub(crate) trait Tx {
    fn execute(&mut self, sql: &'static str, values: &[Value]) -> Result<(), ReadModelError>;

    fn query(&mut self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>, ReadModelError>;
}

/// One generation of the read tables: a whole set, with a checkpoint of its own.
#[async_trait]
pub(crate) trait Tables: Send + Sync {
    /// Its number: a later generation has a higher one.
    fn number(&self) -> u64;

    /// What the statements answer, all at the same moment.
    async fn read(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>, ReadModelError>;

    /// Does `work` in one transaction, beside which nobody else writes. Blocks the thread, which
    /// must be one that may. After an error none of it is left.
    fn write(&self, work: &mut Work<'_>) -> Result<(), ReadModelError>;

    /// Ends the filling of a new generation: what was written is safe now, and will be. Blocks the
    /// thread.
    fn settle(&self) -> Result<(), ReadModelError>;

    /// Removes it as soon as nobody uses it.
    fn retire(&self);
}

/// Where generations are kept.
#[async_trait]
pub(crate) trait Database: Send + Sync {
    /// The newest generation that is live and of this program's shape, or a new one where there
    /// is none. Those that nobody has a use for are removed.
    async fn live(&self) -> Result<Arc<dyn Tables>, ReadModelError>;

    /// A new generation, to be filled beside the live one: until it is settled, it may be lost
    /// with the power.
    async fn begin(&self) -> Result<Arc<dyn Tables>, ReadModelError>;
}

/// What the events become in the rows: raise it when that changes without a migration.
const RULES: u32 = 3;

/// What the tables and their rows are like. A generation of another shape is not used.
pub(crate) fn shape(migrations: &Migrator) -> String {
    let newest = migrations.iter().map(|migration| migration.version).max();
    format!("{}/{RULES}", newest.unwrap_or_default())
}

/// Runs what blocks on a thread that may.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ReadModelError> + Send + 'static,
) -> Result<T, ReadModelError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(ended) => Err(ReadModelError::Database(Box::new(ended))),
    }
}
