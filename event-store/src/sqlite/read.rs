//! Reads of the log.

use std::error::Error;

use domain::{CommandId, Envelope, EventId, Position, Revision, StreamName};
use jiff::Timestamp;
use sqlx::Row;
use sqlx::sqlite::{SqlitePool, SqliteRow};
use uuid::Uuid;

use crate::integer::integer;
use crate::port::{Appended, ReadError};
use crate::stored::StoredEvent;

/// Up to `limit` events of `stream` from revision `from` on, in order.
pub(super) async fn stream(
    pool: &SqlitePool,
    stream: &StreamName,
    from: Revision,
    limit: usize,
) -> Result<Vec<Envelope>, ReadError> {
    let rows = sqlx::query(
        "SELECT position, event_id, stream, revision, type, schema_version, recorded_at,
                command_id, metadata, payload
         FROM events WHERE stream = ?1 AND revision >= ?2 ORDER BY revision LIMIT ?3",
    )
    .bind(stream.as_str())
    .bind(integer(from.0))
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await
    .map_err(unavailable)?;
    rows.iter().map(envelope).collect()
}

/// Up to `limit` events after `after`, in order.
pub(super) async fn all(
    pool: &SqlitePool,
    after: Position,
    limit: usize,
) -> Result<Vec<Envelope>, ReadError> {
    let rows = rows_after(pool, after, limit).await?;
    rows.iter().map(envelope).collect()
}

/// Up to `limit` events after `after` as they are stored; see [`crate::EventStore::read_stored`].
pub(super) async fn stored(
    pool: &SqlitePool,
    after: Position,
    limit: usize,
) -> Result<Vec<StoredEvent>, ReadError> {
    let mut events = Vec::new();
    for row in &rows_after(pool, after, limit).await? {
        match stored_event(row) {
            Ok(event) => events.push(event),
            Err(damage) if events.is_empty() => return Err(damage),
            Err(_) => break,
        }
    }
    Ok(events)
}

/// The position of the last event; 0 in an empty log.
pub(super) async fn head(pool: &SqlitePool) -> Result<Position, ReadError> {
    sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM events")
        .fetch_one(pool)
        .await
        .map(Position)
        .map_err(unavailable)
}

/// What `command` was answered, and the digest it came with.
pub(super) async fn command(
    pool: &SqlitePool,
    command: CommandId,
) -> Result<Option<(Appended, [u8; 32])>, ReadError> {
    let row = sqlx::query(
        "SELECT first_position, last_position, revision, fingerprint
         FROM commands WHERE command_id = ?1",
    )
    .bind(command.0.as_bytes().as_slice())
    .fetch_optional(pool)
    .await
    .map_err(unavailable)?;
    row.map(|row| {
        let appended = Appended {
            first: Position(row.try_get(0)?),
            last: Position(row.try_get(1)?),
            revision: Revision(row.try_get(2)?),
        };
        Ok((appended, fingerprint(row.try_get(3)?)?))
    })
    .transpose()
    .map_err(unavailable)
}

/// The digest that a command came with.
pub(super) fn fingerprint(bytes: &[u8]) -> Result<[u8; 32], sqlx::Error> {
    bytes
        .try_into()
        .map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

async fn rows_after(
    pool: &SqlitePool,
    after: Position,
    limit: usize,
) -> Result<Vec<SqliteRow>, ReadError> {
    sqlx::query(
        "SELECT position, event_id, stream, revision, type, schema_version, recorded_at,
                command_id, metadata, payload
         FROM events WHERE position > ?1 ORDER BY position LIMIT ?2",
    )
    .bind(integer(after.0))
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await
    .map_err(unavailable)
}

fn envelope(row: &SqliteRow) -> Result<Envelope, ReadError> {
    let stored = stored_event(row)?;
    let position = stored.position;
    decode(stored).map_err(|problem| damaged(position, &*problem))
}

fn decode(stored: StoredEvent) -> Result<Envelope, Box<dyn Error>> {
    Ok(Envelope {
        position: stored.position,
        id: stored.id,
        stream: stored.stream,
        revision: stored.revision,
        type_name: stored.type_name,
        schema_version: stored.schema_version,
        recorded_at: Timestamp::from_microsecond(stored.recorded_at_us)?,
        command: stored.command,
        meta: serde_json::from_str(&stored.metadata)?,
        payload: stored.payload,
    })
}

fn stored_event(row: &SqliteRow) -> Result<StoredEvent, ReadError> {
    let position = Position(row.try_get(0).map_err(unavailable)?);
    columns(row, position).map_err(|problem| damaged(position, &*problem))
}

/// The row's event, which stands at `position`.
fn columns(row: &SqliteRow, position: Position) -> Result<StoredEvent, Box<dyn Error>> {
    Ok(StoredEvent {
        position,
        id: EventId(Uuid::from_slice(row.try_get(1)?)?),
        stream: StreamName(row.try_get(2)?),
        revision: Revision(row.try_get(3)?),
        type_name: row.try_get(4)?,
        schema_version: row.try_get(5)?,
        recorded_at_us: row.try_get(6)?,
        command: CommandId(Uuid::from_slice(row.try_get(7)?)?),
        metadata: row.try_get(8)?,
        payload: row.try_get(9)?,
    })
}

fn damaged(position: Position, problem: &dyn Error) -> ReadError {
    ReadError::Damaged {
        position,
        problem: problem.to_string(),
    }
}

fn unavailable(error: sqlx::Error) -> ReadError {
    ReadError::Unavailable(Box::new(error))
}
