//! How connections to the journal's database are made, and the tables in it.

use std::str::FromStr;
use std::time::Duration;

use domain::{JournalId, WorkerId};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection, Executor};

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/postgres/journal");

/// How long a connection may take to be made, and a batch to be committed.
pub(super) const CONNECTED_WITHIN: Duration = Duration::from_secs(10);
pub(super) const COMMITTED_WITHIN: Duration = Duration::from_secs(60);

/// Settings of every connection, whatever the database or the role has.
const SETTINGS: [(&str, &str); 9] = [
    ("search_path", "journal"),
    ("lock_timeout", "20s"),
    ("statement_timeout", "30s"),
    // A client that vanishes in the middle of a batch must not keep others waiting for long.
    ("idle_in_transaction_session_timeout", "10s"),
    ("tcp_keepalives_idle", "5"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
    // Everything is looked up by a key: a plan that was made while the tables were small would
    // otherwise scan them until the next ANALYZE.
    ("enable_seqscan", "off"),
    ("jit", "off"),
];

/// Settings of the connection that writes.
const WRITER_SETTINGS: [(&str, &str); 3] = [
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_read_only", "off"),
    // What was answered is on the disk.
    ("synchronous_commit", "on"),
];

/// Why the journal's database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Without the text, which may hold a password.
    #[error("the journal's URL cannot be read")]
    Url,
    #[error("cannot connect to the journal's database")]
    Connect(#[source] sqlx::Error),
    #[error("cannot bring the journal's tables up to date")]
    Migrate(#[source] MigrateError),
}

/// Options of connections to the journal at `url`.
pub(super) fn options(url: &str) -> Result<PgConnectOptions, OpenError> {
    let options = PgConnectOptions::from_str(url).map_err(|_| OpenError::Url)?;
    let options = options
        .options(SETTINGS)
        .application_name("eventflows journal");
    Ok(options.disable_statement_logging())
}

/// Makes the tables, or brings them up to date; answers the journal's id, and the epoch that the
/// worker's part of it is in.
pub(super) async fn prepare(
    options: &PgConnectOptions,
    worker: WorkerId,
) -> Result<(JournalId, Option<i64>), OpenError> {
    let mut connection = options.connect().await.map_err(OpenError::Connect)?;
    // Two workers that start at once would both find no schema.
    let schema = "BEGIN; SELECT pg_advisory_xact_lock(hashtext('eventflows journal'));
                  CREATE SCHEMA IF NOT EXISTS journal; COMMIT";
    connection
        .execute(schema)
        .await
        .map_err(OpenError::Connect)?;
    MIGRATIONS
        .run_direct(None, &mut connection, false)
        .await
        .map_err(OpenError::Migrate)?;
    let id = sqlx::query_scalar("SELECT id FROM journal");
    let id = id
        .fetch_one(&mut connection)
        .await
        .map_err(OpenError::Connect)?;
    let epoch = sqlx::query_scalar("SELECT epoch FROM workers WHERE worker = $1")
        .bind(worker.0)
        .fetch_optional(&mut connection)
        .await
        .map_err(OpenError::Connect)?;
    connection.close().await.map_err(OpenError::Connect)?;
    Ok((JournalId(id), epoch))
}

/// A connection that writes.
pub(super) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    options.clone().options(WRITER_SETTINGS).connect().await
}
