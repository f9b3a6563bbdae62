//! How connections to the log's file are opened, and the tables in it.

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row};
use tokio::time::sleep;

use super::error::{SQLITE_BUSY, primary_code};
use crate::error::OpenError;

/// How long a connection waits for another one's write transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

const CONNECT_ATTEMPTS: u32 = 100;
const CONNECT_PAUSE: Duration = Duration::from_millis(50);

/// Rows on their way from SQLite's thread; sqlx's 50 makes a page several hops between threads.
const ROW_BUFFER: usize = 512;

/// The name of the thread in which SQLite writes to the log.
const WRITER_THREAD: &str = "event-log-file";

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/sqlite/log");

/// Options of a connection that writes to the log at `path`, which it makes where there is none.
pub(super) fn write_options(path: &Path) -> SqliteConnectOptions {
    options(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // An answered append survives a power cut.
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", "4000")
        // An insert of many rows keeps the pages it changes until it is through; in a temporary
        // file that costs as much as a third of the log's own writes.
        .pragma("temp_store", "memory")
        .thread_name(|_| WRITER_THREAD.to_owned())
}

/// Options of a connection that only reads the log at `path`.
pub(super) fn read_options(path: &Path) -> SqliteConnectOptions {
    options(path).read_only(true)
}

/// Connects with `options` and brings the tables up to date.
pub(super) async fn prepare(options: &SqliteConnectOptions) -> Result<SqliteConnection, OpenError> {
    let connection = connect(options).await;
    let mut connection = connection.map_err(OpenError::Connect)?;
    migrate(&mut connection, &MIGRATIONS).await?;
    Ok(connection)
}

/// Connects to a log whose last writer may have ended or failed in the middle of an append.
///
/// An append that failed was rolled back: SQLite counts its frames in the write-ahead log only
/// once they are synced, and the next append writes over them. But the frames are whole, and
/// the first process to open the file recovers them from the kernel's page cache. So
/// such an append may be found after all, as one whose answer was lost. After a failed sync the
/// kernel counts pages as written that are not on the disk, and no later sync of the write-ahead
/// log would write them. What is recovered is therefore copied to the file, which is written and
/// synced again, before anything is answered from it: SQLite takes the frames as copied, and uses
/// their place again, only after that sync succeeded.
///
/// Several processes may find a new file at once; one of them turns its write-ahead log on while
/// the others fail without waiting for the busy timeout, and try again.
pub(super) async fn connect(
    options: &SqliteConnectOptions,
) -> Result<SqliteConnection, sqlx::Error> {
    for _ in 1..CONNECT_ATTEMPTS {
        match connect_and_copy(options).await {
            Err(error) if primary_code(&error) == Some(SQLITE_BUSY) => sleep(CONNECT_PAUSE).await,
            Ok(None) => sleep(CONNECT_PAUSE).await,
            Ok(Some(connection)) => return Ok(connection),
            Err(error) => return Err(error),
        }
    }
    // A process that still copies has the file open, so there is nothing left to recover.
    options.connect().await
}

/// A connection, once everything that was recovered is copied; nothing where somebody else is just
/// copying.
async fn connect_and_copy(
    options: &SqliteConnectOptions,
) -> Result<Option<SqliteConnection>, sqlx::Error> {
    let mut connection = options.connect().await?;
    // PASSIVE stands in nobody's way. Where others read or write, it copies less than all: but
    // then they had the file open, and there was nothing to recover.
    let copied = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)");
    let is_busy: bool = copied.fetch_one(&mut connection).await?.try_get(0)?;
    Ok((!is_busy).then_some(connection))
}

/// Brings the tables up to date.
pub(super) async fn migrate(
    connection: &mut SqliteConnection,
    migrations: &Migrator,
) -> Result<(), OpenError> {
    let version: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(&mut *connection)
        .await
        .map_err(OpenError::Connect)?;
    if !is_safe(&version) {
        return Err(OpenError::UnsafeSqlite(version));
    }
    // sqlx takes no lock while it migrates a SQLite file; two processes may start at once.
    let mut tx = connection
        .begin_with("BEGIN IMMEDIATE")
        .await
        .map_err(OpenError::Connect)?;
    // `Migrator::run` on a borrowed connection makes a future that is not `Send`.
    migrations
        .run_direct(None, &mut *tx, false)
        .await
        .map_err(OpenError::Migrate)?;
    tx.commit().await.map_err(OpenError::Connect)
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .row_buffer_size(ROW_BUFFER)
        .disable_statement_logging()
}

/// Whether SQLite `version` has the fix for the write-ahead log's reset: 3.51.3 and, as 3.52 was
/// withdrawn without it, from 3.53.0 on.
fn is_safe(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
    let mut part = || parts.next().flatten().unwrap_or(0);
    let version = (part(), part(), part());
    version >= (3, 53, 0) || ((3, 51, 3)..(3, 52, 0)).contains(&version)
}

#[cfg(test)]
mod tests {
    use super::is_safe;

    #[test]
    fn versions_without_the_fix_are_unsafe() {
        for version in [
            "3.40.1", "3.46.0", "3.51.2", "3.52.0", "2.8.17", "", "x.y.z",
        ] {
            assert!(!is_safe(version), "{version}");
        }
    }

    #[test]
    fn versions_with_the_fix_are_safe() {
        for version in ["3.51.3", "3.51.10", "3.53.0", "3.60.1", "4.0.0"] {
            assert!(is_safe(version), "{version}");
        }
    }
}
