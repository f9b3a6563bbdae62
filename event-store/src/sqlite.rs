//! The log in a SQLite file: one writer that commits in groups, a few connections that read.

mod batch;
mod error;
mod import;
pub(crate) mod leases;
mod read;
mod schema;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, Position};
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use tokio::sync::watch;

pub use self::import::SqliteImport;
use self::writer::Writer;
use crate::error::OpenError;
use crate::group_commit::Queue;
use crate::sql::{self, SqlLog};

const READERS: u32 = 4;

/// How long a read waits for a free connection.
const READER_TIMEOUT: Duration = Duration::from_secs(5);

/// The event log in a SQLite file on a local disk.
///
/// Several processes may open one file. An append that was answered survives a power cut.
pub type SqliteEventStore = SqlLog<SqlitePool>;

impl SqliteEventStore {
    /// Opens the log at `path`, making it where there is none, and starts its writer. The writer
    /// ends with the store, after what is in line.
    pub async fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let options = schema::write_options(path);
        let connection = schema::prepare(&options).await?;
        let (head_sender, head) = watch::channel(Position(0));
        let writer = Writer::new(options, connection, clock);
        let queue = Queue::start(writer, head_sender).map_err(OpenError::Thread)?;
        let readers = readers().connect_lazy_with(schema::read_options(path));
        Ok(sql::written(queue, readers, head, None))
    }

    /// Opens the log at `path`, which must be there, to read it alone, also while a server writes
    /// to it. Appends fail.
    pub async fn open_read_only(path: &Path) -> Result<Self, OpenError> {
        let readers = readers().connect_with(schema::read_options(path)).await;
        Ok(sql::only_read(readers.map_err(OpenError::Connect)?))
    }
}

fn readers() -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(READER_TIMEOUT)
        // A file does not hang up: the test would cost a hop between threads per read.
        .test_before_acquire(false)
}

#[cfg(test)]
mod tests;
