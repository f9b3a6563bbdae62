//! Connections to the schema of a generation, and statements over them.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Connection, Postgres, Row as _, TypeInfo};

use crate::database::{Row, Value};
use crate::error::ReadModelError;

/// Connections that read a generation.
const READERS: u32 = 5;

/// How long a query waits for a free connection, or for a new one.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection that was used this recently is used again without a test, which would double the
/// round trips of a query.
const FRESH: Duration = Duration::from_secs(1);

/// The first half of the advisory locks' keys; the second is the number of a generation, 0 for
/// all of them together.
pub(super) const LOCKS: i32 = 0x6576_7264;

/// Settings of every connection, whatever the database or the role has.
const SETTINGS: [(&str, &str); 7] = [
    // The projector waits for another server's batch, and for a removal.
    ("lock_timeout", "5s"),
    ("statement_timeout", "20s"),
    // A server that vanishes in the middle of a batch must not keep others waiting for long.
    ("idle_in_transaction_session_timeout", "10s"),
    ("tcp_keepalives_idle", "5"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
    ("jit", "off"),
];

/// Options of connections to the database at `url`.
pub(super) fn options(url: &str) -> Result<PgConnectOptions, ReadModelError> {
    let kind = url.split_once(':').map_or("", |(kind, _)| kind);
    if !matches!(kind, "postgres" | "postgresql") {
        return Err(ReadModelError::NoUrl);
    }
    let options = PgConnectOptions::from_str(url).map_err(ReadModelError::Url)?;
    let options = options.options(SETTINGS).application_name("eventflows");
    Ok(options.disable_statement_logging())
}

/// The schema of a generation.
pub(super) fn schema(number: u64) -> String {
    format!("eventflows_read_{number}")
}

/// Options of connections for which the tables of a generation are those that names mean.
pub(super) fn inside(options: &PgConnectOptions, number: u64) -> PgConnectOptions {
    options.clone().options([("search_path", schema(number))])
}

pub(super) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, ReadModelError> {
    let mut connection = options.connect().await?;
    let encoding: String = sqlx::query_scalar("SELECT current_setting('server_encoding')")
        .fetch_one(&mut connection)
        .await?;
    if encoding != "UTF8" {
        return Err(ReadModelError::Encoding(encoding));
    }
    Ok(connection)
}

/// Says that the generation is used, for as long as the connection lives.
pub(super) async fn share(connection: &mut PgConnection, number: u64) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT pg_advisory_lock_shared($1, $2)")
        .bind(LOCKS)
        .bind(lock_key(number))
        .execute(connection)
        .await?;
    Ok(())
}

/// The second half of the key of a generation's lock.
pub(super) fn lock_key(number: u64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Connections that read a generation, one of which is there.
pub(super) async fn readers(
    options: &PgConnectOptions,
    number: u64,
) -> Result<PgPool, ReadModelError> {
    let pool = PgPoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // The last one must stay, and with it the lock on the generation.
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .before_acquire(|connection, used| {
            Box::pin(async move {
                if used.idle_for > FRESH {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(move |connection, _| Box::pin(share(connection, number)));
    Ok(pool.connect_with(options.clone()).await?)
}

/// A connection that writes to a generation.
pub(super) async fn writer(
    options: &PgConnectOptions,
    number: u64,
    filling: bool,
) -> Result<PgConnection, ReadModelError> {
    let mut settings = vec![
        // A statement sees what was committed until it got its locks.
        ("default_transaction_isolation", "read committed"),
        ("default_transaction_read_only", "off"),
    ];
    if filling {
        settings.push(("synchronous_commit", "off"));
    }
    let mut connection = options.clone().options(settings).connect().await?;
    share(&mut connection, number).await?;
    Ok(connection)
}

pub(super) async fn execute(
    connection: &mut PgConnection,
    sql: &str,
    values: &[Value],
) -> Result<(), sqlx::Error> {
    bound(sql, values).execute(connection).await?;
    Ok(())
}

pub(super) async fn query(
    connection: &mut PgConnection,
    sql: &str,
    values: &[Value],
) -> Result<Vec<Row>, ReadModelError> {
    let rows = bound(sql, values).fetch_all(connection).await?;
    rows.iter().map(row).collect()
}

fn bound<'q>(sql: &str, values: &'q [Value]) -> Query<'q, Postgres, PgArguments> {
    // The statement is text of this program, its values apart.
    let mut query = sqlx::query(AssertSqlSafe(sql.replace('?', "$")));
    for value in values {
        query = match value {
            // The one sign that PostgreSQL has no place for.
            Value::Text(Some(text)) if text.contains('\0') => {
                query.bind(text.replace('\0', "\u{fffd}"))
            }
            Value::Text(text) => query.bind(text.as_deref()),
            Value::Integer(integer) => query.bind(integer),
        };
    }
    query
}

fn row(row: &PgRow) -> Result<Row, ReadModelError> {
    let columns = row.columns().iter().enumerate();
    let values = columns.map(|(index, column)| {
        Ok(match column.type_info().name() {
            "INT8" => Value::Integer(row.try_get(index)?),
            "INT4" => Value::Integer(row.try_get::<Option<i32>, _>(index)?.map(i64::from)),
            _ => Value::Text(row.try_get(index)?),
        })
    });
    let values: Result<Vec<Value>, sqlx::Error> = values.collect();
    Ok(Row::from(values?))
}
