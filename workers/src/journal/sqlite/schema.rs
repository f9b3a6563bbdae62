//! How connections to the journal's file are opened, and the tables in it.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{ConnectOptions as _, Connection as _};

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Statements that the writer keeps prepared: all that it has.
const STATEMENTS: usize = 56;

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/sqlite/journal");

/// Why a journal could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot prepare the journal")]
    Prepare(#[source] sqlx::Error),
    #[error("cannot open the journal")]
    Connect(#[source] rusqlite::Error),
    #[error("cannot bring the journal's tables up to date")]
    Migrate(#[source] MigrateError),
    /// Older ones can corrupt a file when the write-ahead log is reset.
    #[error("SQLite {0} can corrupt the journal, 3.51.3 and 3.53.0 cannot")]
    UnsafeSqlite(String),
}

/// Makes the journal at `path` where there is none, and brings its tables up to date.
pub(super) async fn prepare(path: &Path) -> Result<(), OpenError> {
    if !is_safe(rusqlite::version()) {
        return Err(OpenError::UnsafeSqlite(rusqlite::version().to_owned()));
    }
    let mut connection = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging()
        .connect()
        .await
        .map_err(OpenError::Prepare)?;
    let mut tx = connection
        .begin_with("BEGIN IMMEDIATE")
        .await
        .map_err(OpenError::Prepare)?;
    // `Migrator::run` on a borrowed connection makes a future that is not `Send`.
    MIGRATIONS
        .run_direct(None, &mut *tx, false)
        .await
        .map_err(OpenError::Migrate)?;
    tx.commit().await.map_err(OpenError::Prepare)?;
    connection.close().await.map_err(OpenError::Prepare)
}

/// The connection that writes to the journal at `path`.
pub(super) fn writer(path: &Path) -> rusqlite::Result<Connection> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // What was answered survives a power cut.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
    // In KiB: what a busy journal touches again and again.
    connection.pragma_update(None, "cache_size", -16384)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// A connection that only reads the journal at `path`.
pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

fn connect(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    // Each connection stays on one thread at a time.
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

/// Whether SQLite `version` has the fix for the write-ahead log's reset: 3.51.3 and, as 3.52 was
/// withdrawn without it, from 3.53.0 on.
fn is_safe(version: &str) -> bool {
    let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    let version: (u32, u32, u32) = (next(), next(), next());
    ((3, 51, 3)..(3, 52, 0)).contains(&version) || version >= (3, 53, 0)
}

#[cfg(test)]
mod tests {
    use super::is_safe;

    #[test]
    fn a_sqlite_that_can_corrupt_the_file_is_refused() {
        for version in ["3.40.1", "3.46.0", "3.51.2", "3.52.0", ""] {
            assert!(!is_safe(version), "{version}");
        }
        for version in ["3.51.3", "3.53.0", "4.0.0"] {
            assert!(is_safe(version), "{version}");
        }
    }
}
