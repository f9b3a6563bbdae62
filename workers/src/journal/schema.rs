//! How connections to the journal's file are opened, and the tables in it.

use std::io;
use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/sqlite/journal");

/// Why a journal could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot open the journal")]
    Connect(#[source] sqlx::Error),
    #[error("cannot bring the journal's tables up to date")]
    Migrate(#[source] MigrateError),
    #[error("cannot start the journal's writer")]
    Thread(#[source] io::Error),
    /// Older ones can corrupt a file when the write-ahead log is reset.
    #[error("SQLite {0} can corrupt the journal, 3.51.3 and 3.53.0 cannot")]
    UnsafeSqlite(String),
}

/// Options of the connection that writes to the journal at `path`, which it makes where there is
/// none.
pub(super) fn write_options(path: &Path) -> SqliteConnectOptions {
    options(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // What was answered survives a power cut.
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", "4000")
        // In KiB: what a busy journal touches again and again.
        .pragma("cache_size", "-16384")
}

/// Options of a connection that only reads the journal at `path`.
pub(super) fn read_options(path: &Path) -> SqliteConnectOptions {
    options(path).read_only(true)
}

/// Connects with `options` and brings the tables up to date.
pub(super) async fn prepare(options: &SqliteConnectOptions) -> Result<SqliteConnection, OpenError> {
    let mut connection = options.connect().await.map_err(OpenError::Connect)?;
    let version: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(&mut connection)
        .await
        .map_err(OpenError::Connect)?;
    if !is_safe(&version) {
        return Err(OpenError::UnsafeSqlite(version));
    }
    let mut tx = connection
        .begin_with("BEGIN IMMEDIATE")
        .await
        .map_err(OpenError::Connect)?;
    // `Migrator::run` on a borrowed connection makes a future that is not `Send`.
    MIGRATIONS
        .run_direct(None, &mut *tx, false)
        .await
        .map_err(OpenError::Migrate)?;
    tx.commit().await.map_err(OpenError::Connect)?;
    Ok(connection)
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging()
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
