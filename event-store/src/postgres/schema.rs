//! How connections to the log's database are made, and the tables in it.

use std::str::FromStr;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};

use crate::error::OpenError;

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/postgres/log");

/// The name of a server's sessions, for people who look at who uses the database.
pub(super) const APPLICATION: &str = "eventflows";

/// Settings of every connection, whatever the database or the role has.
const SETTINGS: [(&str, &str); 11] = [
    // An append waits in line with those of other processes.
    ("lock_timeout", "5s"),
    ("statement_timeout", "20s"),
    // A client that vanishes in the middle of an append must not keep others waiting for long.
    ("idle_in_transaction_session_timeout", "10s"),
    ("tcp_keepalives_idle", "5"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
    // Everything is looked up by a key. A plan that was made while the tables were small would
    // otherwise scan them until the next ANALYZE, however large they have become.
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("jit", "off"),
];

/// Settings of the connection that writes.
const WRITER_SETTINGS: [(&str, &str); 2] = [
    // A statement sees what was committed until it got its locks.
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_read_only", "off"),
];

/// Options of connections to the log at `url`.
pub(super) fn options(url: &str) -> Result<PgConnectOptions, OpenError> {
    let options = PgConnectOptions::from_str(url).map_err(OpenError::Url)?;
    let options = options.options(SETTINGS).application_name(APPLICATION);
    Ok(options.disable_statement_logging())
}

/// Options of connections that can do nothing but read the log at `url`.
pub(super) fn read_only_options(url: &str) -> Result<PgConnectOptions, OpenError> {
    let options = options(url)?.application_name("eventflows audit");
    Ok(options.options([("default_transaction_read_only", "on")]))
}

/// Brings the tables up to date, for which the role must be their owner, if they are not.
pub(super) async fn prepare(options: &PgConnectOptions) -> Result<(), OpenError> {
    let mut connection = options.connect().await.map_err(OpenError::Connect)?;
    let encoding: String = sqlx::query_scalar("SELECT current_setting('server_encoding')")
        .fetch_one(&mut connection)
        .await
        .map_err(OpenError::Connect)?;
    if encoding != "UTF8" {
        return Err(OpenError::Encoding(encoding));
    }
    let up_to_date = is_up_to_date(&mut connection, &MIGRATIONS).await;
    if !up_to_date.map_err(OpenError::Connect)? {
        MIGRATIONS
            .run_direct(None, &mut connection, false)
            .await
            .map_err(OpenError::Migrate)?;
    }
    connection.close().await.map_err(OpenError::Connect)
}

/// A connection that writes, for which a commit is on the disk when it is answered.
pub(super) async fn connect_writer(
    options: &PgConnectOptions,
) -> Result<PgConnection, sqlx::Error> {
    let options = options.clone().options(WRITER_SETTINGS);
    let mut connection = options.connect().await?;
    // Other values than `off` are the operator's choice, as to wait for a replica too.
    sqlx::query(
        "SELECT set_config('synchronous_commit', 'on', false)
         WHERE current_setting('synchronous_commit') = 'off'",
    )
    .execute(&mut connection)
    .await?;
    Ok(connection)
}

/// Whether exactly these migrations were applied. A role that may not create tables can ask this,
/// but not run the migrator, even when there is nothing to do.
pub(super) async fn is_up_to_date(
    connection: &mut PgConnection,
    migrations: &Migrator,
) -> Result<bool, sqlx::Error> {
    let known: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if !known {
        return Ok(false);
    }
    let applied: Vec<(i64, bool, Vec<u8>)> =
        sqlx::query_as("SELECT version, success, checksum FROM _sqlx_migrations ORDER BY version")
            .fetch_all(connection)
            .await?;
    let ours = migrations
        .iter()
        .map(|migration| (migration.version, true, migration.checksum.to_vec()));
    Ok(ours.eq(applied))
}
