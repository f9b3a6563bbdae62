//! Connections to the file of a generation, and statements over them.

use std::path::Path;
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql, params_from_iter};
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};

use super::MIGRATIONS;
use crate::database::{Row, Value};
use crate::error::ReadModelError;

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Statements that a connection keeps prepared.
const STATEMENTS: usize = 128;

/// What a generation says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    shape: String,
    live: bool,
}

impl State {
    /// Whether it can be used by a program that knows `shape`.
    pub(super) fn is(&self, shape: &str) -> bool {
        self.live && self.shape == shape
    }
}

/// Refuses a SQLite that can corrupt a file when the write-ahead log is reset: 3.51.3 has the fix
/// and, as 3.52 was withdrawn without it, all from 3.53.0 on.
pub(super) fn check_version() -> Result<(), ReadModelError> {
    let number = rusqlite::version_number();
    if (3_051_003..3_052_000).contains(&number) || number >= 3_053_000 {
        return Ok(());
    }
    Err(ReadModelError::UnsafeSqlite(rusqlite::version().to_owned()))
}

/// Makes a new, empty generation. Whatever a crash leaves of it is not live.
pub(super) async fn create(path: &Path, shape: &str, live: bool) -> Result<(), ReadModelError> {
    let mut connection = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .synchronous(SqliteSynchronous::Normal)
        .disable_statement_logging()
        .connect()
        .await?;
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    // `Migrator::run` on a borrowed connection makes a future that is not `Send`.
    MIGRATIONS.run_direct(None, &mut *tx, false).await?;
    sqlx::query("INSERT INTO checkpoint (id, position, shape, live) VALUES (1, 0, ?1, ?2)")
        .bind(shape)
        .bind(live)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(connection.close().await?)
}

/// What the file at `path` says of itself; nothing of use where it is none of ours.
pub(super) fn state(path: &Path) -> Result<State, ReadModelError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let state = connection.query_row("SELECT shape, live FROM checkpoint", (), |row| {
        Ok(State {
            shape: row.get(0)?,
            live: row.get(1)?,
        })
    });
    match state {
        Err(rusqlite::Error::QueryReturnedNoRows) => Ok(State::default()),
        // No such table or column, or no database at all.
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::Unknown | ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Ok(State::default())
            }
            _ => Err(error.into()),
        },
        Ok(state) => Ok(state),
    }
}

/// The connection that writes. One that fills keeps nothing to go back to.
pub(super) fn writer(path: &Path, filling: bool) -> Result<Connection, ReadModelError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let (journal, synchronous) = if filling {
        ("OFF", "OFF")
    } else {
        // The last commits may be lost with the power: all of them can be derived again.
        ("WAL", "NORMAL")
    };
    connection.pragma_update(None, "journal_mode", journal)?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    // In KiB: a filling goes all over the tables.
    let cache = if filling { -131_072 } else { -16_384 };
    connection.pragma_update(None, "cache_size", cache)?;
    connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
    Ok(connection)
}

/// A connection that only reads.
pub(super) fn reader(path: &Path) -> Result<Connection, ReadModelError> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

fn connect(path: &Path, access: OpenFlags) -> Result<Connection, ReadModelError> {
    // Each connection stays on one thread at a time.
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

pub(super) fn execute(
    connection: &Connection,
    sql: &str,
    values: &[Value],
) -> Result<(), ReadModelError> {
    let mut statement = connection.prepare_cached(sql)?;
    statement.execute(params_from_iter(values))?;
    Ok(())
}

pub(super) fn query(
    connection: &Connection,
    sql: &str,
    values: &[Value],
) -> Result<Vec<Row>, ReadModelError> {
    let mut statement = connection.prepare_cached(sql)?;
    let columns = statement.column_count();
    let mut rows = statement.query(params_from_iter(values))?;
    let mut answer = Vec::new();
    while let Some(row) = rows.next()? {
        let mut values = Vec::with_capacity(columns);
        for column in 0..columns {
            values.push(match row.get_ref(column)? {
                ValueRef::Null => Value::Text(None),
                ValueRef::Integer(integer) => Value::Integer(Some(integer)),
                other @ (ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Blob(_)) => {
                    let text = other.as_str();
                    let text = text.map_err(|error| ReadModelError::Row(Box::new(error)))?;
                    Value::Text(Some(text.to_owned()))
                }
            });
        }
        answer.push(Row::from(values));
    }
    Ok(answer)
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Text(Some(text)) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Integer(Some(integer)) => ToSqlOutput::Borrowed(ValueRef::Integer(*integer)),
            Self::Text(None) | Self::Integer(None) => ToSqlOutput::Borrowed(ValueRef::Null),
        })
    }
}
