//! A file that another log is copied into, held against everybody else until the copy ends.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::Position;
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnection, SqliteLockingMode, SqlitePool};

use super::error::{SQLITE_BUSY, primary_code};
use super::{SqliteEventStore, readers, schema};
use crate::error::OpenError;
use crate::import::{Import, ImportError, StoredBatch};
use crate::port::EventStore;
use crate::sql;

/// How long the file may still be open elsewhere, as in a process that is just ending.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// An event log in a SQLite file that is copied into.
///
/// Its one connection keeps an exclusive lock: SQLite gives it only where no other connection has
/// the file open, and lets nobody open it until the connection ends.
pub struct SqliteImport {
    connection: SqlitePool,
    log: Arc<SqliteEventStore>,
}

impl SqliteImport {
    /// Opens the log at `path`, making it where there is none.
    ///
    /// # Errors
    /// Another connection has the file open, or it cannot be used.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        let options = schema::write_options(path)
            .locking_mode(SqliteLockingMode::Exclusive)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = readers().max_connections(1).idle_timeout(None);
        let pool = pool.max_lifetime(None).connect_with(options).await;
        let pool = pool.map_err(in_use)?;
        let mut connection = pool.acquire().await.map_err(in_use)?;
        schema::migrate(&mut connection, &schema::MIGRATIONS).await?;
        drop(connection);
        Ok(Self {
            log: Arc::new(sql::only_read(pool.clone())),
            connection: pool,
        })
    }
}

#[async_trait]
impl Import for SqliteImport {
    fn log(&self) -> Arc<dyn EventStore> {
        self.log.clone()
    }

    async fn import(&self, batch: &StoredBatch) -> Result<(), ImportError> {
        let unavailable = ImportError::unavailable;
        let mut connection = self.connection.acquire().await.map_err(unavailable)?;
        import(&mut connection, batch).await
    }
}

/// SQLite reports a file that is open elsewhere as busy.
fn in_use(error: sqlx::Error) -> OpenError {
    if primary_code(&error) == Some(SQLITE_BUSY) {
        OpenError::InUse
    } else {
        OpenError::Connect(error)
    }
}

async fn import(connection: &mut SqliteConnection, batch: &StoredBatch) -> Result<(), ImportError> {
    let unavailable = ImportError::unavailable;
    let tx = connection.begin_with("BEGIN IMMEDIATE").await;
    let mut tx = tx.map_err(unavailable)?;
    let head = sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM events");
    let head = Position(head.fetch_one(&mut *tx).await.map_err(unavailable)?);
    let expected = batch.after();
    if head != expected {
        return Err(ImportError::Moved { expected, head });
    }
    insert_events(&mut tx, batch).await.map_err(unavailable)?;
    insert_commands(&mut tx, batch).await.map_err(unavailable)?;
    tx.commit().await.map_err(unavailable)
}

/// Rows travel as a JSON array, payloads side by side in one blob.
async fn insert_events(tx: &mut SqliteConnection, batch: &StoredBatch) -> Result<(), sqlx::Error> {
    let mut payloads = Vec::new();
    let row = |event: &crate::StoredEvent| {
        // SQLite counts a blob's bytes from 1.
        let place = payloads.len() + 1;
        payloads.extend_from_slice(&event.payload);
        serde_json::json!([
            event.position,
            event.id,
            event.stream,
            event.revision,
            event.type_name,
            event.schema_version,
            event.recorded_at_us,
            event.command,
            event.metadata,
            place,
            event.payload.len(),
        ])
    };
    let rows: serde_json::Value = batch.events.iter().map(row).collect();
    // The `coalesce` is for when all payloads are empty: of an empty blob `substr` is NULL.
    sqlx::query(
        "INSERT INTO events (position, event_id, stream, revision, type, schema_version,
                             recorded_at, command_id, metadata, payload)
         SELECT value ->> 0, unhex(value ->> 1, '-'), value ->> 2, value ->> 3, value ->> 4,
                value ->> 5, value ->> 6, unhex(value ->> 7, '-'), value ->> 8,
                coalesce(substr(?2, value ->> 9, value ->> 10), x'')
         FROM json_each(?1)",
    )
    .bind(rows.to_string())
    .bind(payloads)
    .execute(tx)
    .await?;
    Ok(())
}

async fn insert_commands(
    tx: &mut SqliteConnection,
    batch: &StoredBatch,
) -> Result<(), sqlx::Error> {
    let row = |command: &crate::StoredCommand| {
        let appended = command.appended;
        serde_json::json!([
            command.id,
            appended.first,
            appended.last,
            batch.stream(command),
            appended.revision,
        ])
    };
    let rows: serde_json::Value = batch.commands.iter().map(row).collect();
    let fingerprints: Vec<u8> = batch
        .commands
        .iter()
        .flat_map(|command| command.fingerprint)
        .collect();
    sqlx::query(
        "INSERT INTO commands (command_id, fingerprint, first_position, last_position, stream,
                               revision)
         SELECT unhex(value ->> 0, '-'), substr(?2, 1 + 32 * key, 32), value ->> 1, value ->> 2,
                value ->> 3, value ->> 4
         FROM json_each(?1)",
    )
    .bind(rows.to_string())
    .bind(fingerprints)
    .execute(tx)
    .await?;
    Ok(())
}
