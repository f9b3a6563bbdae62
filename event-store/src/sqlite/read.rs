//! Reads of the log.

use std::error::Error;

use domain::{CommandId, Envelope, EventId, Position, Revision, StreamName};
use jiff::Timestamp;
use sqlx::Row;
use sqlx::sqlite::{SqlitePool, SqliteRow};
use uuid::Uuid;

use crate::group_read::{Asked, Pages, SHORT, add};
use crate::integer::integer;
use crate::port::{Appended, ReadError};
use crate::sql::{Answered, Reads};
use crate::stored::StoredEvent;

impl Reads for SqlitePool {
    async fn stream(
        &self,
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
        .fetch_all(self)
        .await
        .map_err(unavailable)?;
        rows.iter().map(envelope).collect()
    }

    async fn streams(&self, asked: &[Asked]) -> Result<Pages, sqlx::Error> {
        let streams: Vec<_> = asked
            .iter()
            .map(|one| (&one.stream, integer(one.from.0)))
            .collect();
        let streams = serde_json::to_string(&streams).expect("names and numbers have a JSON form");
        let rows = sqlx::query(
            "SELECT position, event_id, stream, revision, events.type, schema_version, recorded_at,
                    command_id, metadata, payload, asked.key
             FROM jsonb_each(?1) AS asked CROSS JOIN events
             WHERE stream = asked.value ->> 0
                 AND revision BETWEEN asked.value ->> 1 AND (asked.value ->> 1) + ?2 - 1
             ORDER BY asked.key, revision",
        )
        .bind(streams)
        .bind(i64::try_from(SHORT).unwrap_or(i64::MAX))
        .fetch_all(self)
        .await?;
        let mut pages: Pages = asked.iter().map(|_| Ok(Vec::new())).collect();
        for row in &rows {
            let number: u32 = row.try_get(10)?;
            add(&mut pages, number as usize, envelope(row));
        }
        Ok(pages)
    }

    async fn all(&self, after: Position, limit: usize) -> Result<Vec<Envelope>, ReadError> {
        let rows = rows_after(self, after, limit).await?;
        rows.iter().map(envelope).collect()
    }

    async fn stored(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, ReadError> {
        let mut events = Vec::new();
        for row in &rows_after(self, after, limit).await? {
            match stored_event(row) {
                Ok(event) => events.push(event),
                Err(damage) if events.is_empty() => return Err(damage),
                Err(_) => break,
            }
        }
        Ok(events)
    }

    async fn at(&self, positions: &[Position]) -> Result<Vec<Envelope>, ReadError> {
        let asked: Vec<i64> = positions.iter().map(|asked| integer(asked.0)).collect();
        let rows = sqlx::query(
            "SELECT position, event_id, stream, revision, type, schema_version, recorded_at,
                    command_id, metadata, payload
             FROM events WHERE position IN (SELECT value FROM json_each(?1)) ORDER BY position",
        )
        .bind(serde_json::to_string(&asked).expect("numbers have a JSON form"))
        .fetch_all(self)
        .await
        .map_err(unavailable)?;
        rows.iter().map(envelope).collect()
    }

    async fn head(&self) -> Result<Position, ReadError> {
        sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM events")
            .fetch_one(self)
            .await
            .map(Position)
            .map_err(unavailable)
    }

    async fn command(&self, command: CommandId) -> Result<Option<Answered>, ReadError> {
        let row = sqlx::query(
            "SELECT first_position, last_position, revision, fingerprint
             FROM commands WHERE command_id = ?1",
        )
        .bind(command.0.as_bytes().as_slice())
        .fetch_optional(self)
        .await
        .map_err(unavailable)?;
        row.as_ref().map(appended).transpose().map_err(unavailable)
    }

    async fn commands(&self, commands: &[CommandId]) -> Result<Vec<Option<Answered>>, ReadError> {
        let asked = serde_json::to_string(commands).expect("ids have a JSON form");
        let rows = sqlx::query(
            "SELECT first_position, last_position, revision, fingerprint
             FROM json_each(?1) AS asked
             LEFT JOIN commands ON command_id = unhex(asked.value, '-')
             ORDER BY asked.key",
        )
        .bind(asked)
        .fetch_all(self)
        .await
        .map_err(unavailable)?;
        let answer = |row: &SqliteRow| match row.try_get::<Option<u64>, _>(0)? {
            Some(_) => appended(row).map(Some),
            None => Ok(None),
        };
        let answers = rows.iter().map(answer).collect::<Result<_, _>>();
        answers.map_err(unavailable)
    }

    // The whole log is looked through: an index by id would cost every append more than all the
    // rest of it, and nobody but an auditor looks for an id.
    async fn find(&self, id: EventId) -> Result<Option<Position>, ReadError> {
        sqlx::query_scalar("SELECT position FROM events WHERE event_id = ?1")
            .bind(id.0.as_bytes().as_slice())
            .fetch_optional(self)
            .await
            .map(|position| position.map(Position))
            .map_err(unavailable)
    }
}

/// The first and last position, the revision and the digest of a command.
fn appended(row: &SqliteRow) -> Result<(Appended, [u8; 32]), sqlx::Error> {
    let appended = Appended {
        first: Position(row.try_get(0)?),
        last: Position(row.try_get(1)?),
        revision: Revision(row.try_get(2)?),
    };
    Ok((appended, fingerprint(row.try_get(3)?)?))
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
