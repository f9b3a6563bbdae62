//! A database that another log is copied into.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::Position;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tokio::sync::Mutex;
use tokio::time::sleep;
use uuid::Uuid;

use super::{PostgresEventStore, batch, read, schema};
use crate::error::OpenError;
use crate::import::{Import, ImportError, StoredBatch, StoredCommand};
use crate::integer::integer;
use crate::port::EventStore;
use crate::stored::StoredEvent;

/// What the sessions of a copy are called; see [`schema::APPLICATION`].
const APPLICATION: &str = "eventflows log copy";

/// How often, and how far apart, to look whether the database is in use.
const LOOKS: u32 = 8;
const PAUSE: Duration = Duration::from_millis(250);

/// An event log in a PostgreSQL database that is copied into.
///
/// It is opened only where no server is connected to the database. One that connects later is not
/// kept out, but what it appends is met under the lock of the log's head, and ends the copy.
pub struct PostgresImport {
    options: PgConnectOptions,
    /// `None` after a failed transaction.
    connection: Mutex<Option<PgConnection>>,
    log: Arc<PostgresEventStore>,
}

impl PostgresImport {
    /// Opens the log at `url`, and makes its tables where there are none.
    ///
    /// # Errors
    /// A server or another copy is connected to the database, or it cannot be used.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let options = schema::options(url)?.application_name(APPLICATION);
        schema::prepare(&options).await?;
        let connect = schema::connect_writer(&options).await;
        let mut connection = connect.map_err(OpenError::Connect)?;
        until_unused(&mut connection).await?;
        Ok(Self {
            options,
            connection: Mutex::new(Some(connection)),
            log: Arc::new(PostgresEventStore::open_read_only(url).await?),
        })
    }
}

/// Sessions end a moment after their process, as that of a copy that was killed.
async fn until_unused(connection: &mut PgConnection) -> Result<(), OpenError> {
    for _ in 0..LOOKS {
        let in_use = is_in_use(connection).await;
        if !in_use.map_err(OpenError::Connect)? {
            return Ok(());
        }
        sleep(PAUSE).await;
    }
    Err(OpenError::InUse)
}

/// Whether a server or another copy is connected. The lock of a session keeps two copies that
/// start together apart.
async fn is_in_use(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT NOT pg_try_advisory_lock(hashtext($2))
            OR EXISTS (SELECT FROM pg_stat_activity
                       WHERE datname = current_database() AND application_name = $1)",
    )
    .bind(schema::APPLICATION)
    .bind(APPLICATION)
    .fetch_one(connection)
    .await
}

#[async_trait]
impl Import for PostgresImport {
    fn log(&self) -> Arc<dyn EventStore> {
        self.log.clone()
    }

    async fn import(&self, batch: &StoredBatch) -> Result<(), ImportError> {
        let mut kept = self.connection.lock().await;
        // Dropped on an error, and with it the transaction.
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => schema::connect_writer(&self.options)
                .await
                .map_err(ImportError::unavailable)?,
        };
        import(&mut connection, batch).await?;
        *kept = Some(connection);
        Ok(())
    }
}

async fn import(connection: &mut PgConnection, batch: &StoredBatch) -> Result<(), ImportError> {
    let unavailable = ImportError::unavailable;
    batch::begin(connection).await.map_err(unavailable)?;
    let head = sqlx::query_scalar("SELECT position FROM log_head");
    let head = head.fetch_one(&mut *connection).await;
    let head = head.and_then(read::natural).map_err(unavailable)?;
    let (head, expected) = (Position(head), batch.after());
    if head != expected {
        return Err(ImportError::Moved { expected, head });
    }
    let events = &batch.events;
    insert_events(connection, events)
        .await
        .map_err(unavailable)?;
    insert_commands(connection, batch)
        .await
        .map_err(unavailable)?;
    let commit = sqlx::raw_sql("COMMIT").execute(connection).await;
    commit.map(|_| ()).map_err(unavailable)
}

/// Inserts `events`, and moves the head to the last of them.
async fn insert_events(
    connection: &mut PgConnection,
    events: &[StoredEvent],
) -> Result<(), sqlx::Error> {
    fn column<'a, T>(events: &'a [StoredEvent], of: impl Fn(&'a StoredEvent) -> T) -> Vec<T> {
        events.iter().map(of).collect()
    }
    sqlx::query(
        "WITH moved AS (UPDATE log_head SET position = position + $11)
         INSERT INTO events (position, event_id, stream, revision, type, schema_version,
                             recorded_at, command_id, metadata, payload)
         SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bytea[], $4::bigint[], $5::text[],
                              $6::bigint[], $7::bigint[], $8::uuid[], $9::text[], $10::bytea[])",
    )
    .bind(column(events, |event| integer(event.position.0)))
    .bind(column(events, |event| event.id.0))
    .bind(column(events, |event| event.stream.as_str().as_bytes()))
    .bind(column(events, |event| integer(event.revision.0)))
    .bind(column(events, |event| event.type_name.as_str()))
    .bind(column(events, |event| i64::from(event.schema_version)))
    .bind(column(events, |event| event.recorded_at_us))
    .bind(column(events, |event| event.command.0))
    .bind(column(events, |event| event.metadata.as_str()))
    .bind(column(events, |event| event.payload.as_slice()))
    .bind(integer(events.len() as u64))
    .execute(connection)
    .await?;
    Ok(())
}

async fn insert_commands(
    connection: &mut PgConnection,
    batch: &StoredBatch,
) -> Result<(), sqlx::Error> {
    let commands = &batch.commands;
    let count = |of: fn(&StoredCommand) -> u64| -> Vec<i64> {
        commands
            .iter()
            .map(|command| integer(of(command)))
            .collect()
    };
    let ids: Vec<Uuid> = commands.iter().map(|command| command.id.0).collect();
    let fingerprints: Vec<&[u8]> = commands
        .iter()
        .map(|command| &command.fingerprint[..])
        .collect();
    let streams: Vec<Option<&[u8]>> = commands
        .iter()
        .map(|command| batch.stream(command).map(str::as_bytes))
        .collect();
    sqlx::query(
        "INSERT INTO commands (command_id, fingerprint, first_position, last_position, stream,
                               revision)
         SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bytea[],
                              $6::bigint[])",
    )
    .bind(ids)
    .bind(fingerprints)
    .bind(count(|command| command.appended.first.0))
    .bind(count(|command| command.appended.last.0))
    .bind(streams)
    .bind(count(|command| command.appended.revision.0))
    .execute(connection)
    .await?;
    Ok(())
}
