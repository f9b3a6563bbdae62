//! Reads of the log.

use std::error::Error;
use std::io;
use std::time::Duration;

use domain::{CommandId, Envelope, EventId, Position, Revision, StreamName};
use jiff::Timestamp;
use sqlx::Row;
use sqlx::postgres::{PgPool, PgRow};
use tokio::time::timeout;

use crate::integer::integer;
use crate::port::{Appended, ReadError};
use crate::stored::StoredEvent;

/// How long a read may take; only a server that went silent takes longer.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Up to `limit` events of `stream` from revision `from` on, in order.
pub(super) async fn stream(
    pool: &PgPool,
    stream: &StreamName,
    from: Revision,
    limit: usize,
) -> Result<Vec<Envelope>, ReadError> {
    let query = sqlx::query(
        "SELECT position, event_id, stream, revision, type, schema_version, recorded_at,
                command_id, metadata, payload
         FROM events WHERE stream = $1 AND revision >= $2 ORDER BY revision LIMIT $3",
    )
    .bind(stream.as_str().as_bytes())
    .bind(integer(from.0))
    .bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let events = envelopes(within(query.fetch_all(pool)).await?)?;
    for (event, due) in events.iter().zip(from.0..) {
        if event.revision.0 != due {
            return Err(ReadError::Damaged {
                position: event.position,
                problem: format!("it has revision {}, where {due} is due", event.revision),
            });
        }
    }
    Ok(events)
}

/// Up to `limit` events after `after`, in order. Positions have no gaps, so a hole is damage.
pub(super) async fn all(
    pool: &PgPool,
    after: Position,
    limit: usize,
) -> Result<Vec<Envelope>, ReadError> {
    let events = page(pool, after, limit).await?;
    for (event, before) in events.iter().zip(after.0..) {
        if event.position.0 - 1 != before {
            return Err(ReadError::Damaged {
                position: Position(before + 1),
                problem: format!("the next event stands at {}", event.position),
            });
        }
    }
    Ok(events)
}

/// As [`all`], for a follower, which passes on what comes before a hole.
pub(super) async fn page(
    pool: &PgPool,
    after: Position,
    limit: usize,
) -> Result<Vec<Envelope>, ReadError> {
    envelopes(rows_after(pool, after, limit).await?)
}

/// Up to `limit` events after `after` as they are stored; see [`crate::EventStore::read_stored`].
pub(super) async fn stored(
    pool: &PgPool,
    after: Position,
    limit: usize,
) -> Result<Vec<StoredEvent>, ReadError> {
    let mut events = Vec::new();
    for row in &rows_after(pool, after, limit).await? {
        match readable(row, stored_event) {
            Ok(event) => events.push(event),
            Err(damage) if events.is_empty() => return Err(damage),
            Err(_) => break,
        }
    }
    Ok(events)
}

/// The position of the last event; 0 in an empty log.
pub(super) async fn head(pool: &PgPool) -> Result<Position, ReadError> {
    let query = sqlx::query(
        "SELECT position, (SELECT coalesce(max(position), 0) FROM events) FROM log_head",
    );
    let row = within(query.fetch_one(pool)).await?;
    let head = number(&row, 0).map_err(unavailable)?;
    let last = number(&row, 1).map_err(unavailable)?;
    if head == last {
        return Ok(Position(head));
    }
    Err(ReadError::Damaged {
        position: Position(head.min(last) + 1),
        problem: format!("the head is {head}, and the last event stands at {last}"),
    })
}

/// What `command` was answered, and the digest it came with.
pub(super) async fn command(
    pool: &PgPool,
    command: CommandId,
) -> Result<Option<(Appended, [u8; 32])>, ReadError> {
    let query = sqlx::query(
        "SELECT first_position, last_position, revision, fingerprint
         FROM commands WHERE command_id = $1",
    )
    .bind(command.0);
    let row = within(query.fetch_optional(pool)).await?;
    row.map(|row| appended(&row, 0))
        .transpose()
        .map_err(unavailable)
}

/// The first and last position, the revision and the digest of a command, from column `at` on.
pub(super) fn appended(row: &PgRow, at: usize) -> Result<(Appended, [u8; 32]), sqlx::Error> {
    let appended = Appended {
        first: Position(number(row, at)?),
        last: Position(number(row, at + 1)?),
        revision: Revision(number(row, at + 2)?),
    };
    let fingerprint: &[u8] = row.try_get(at + 3)?;
    let fingerprint = fingerprint.try_into().map_err(undecodable)?;
    Ok((appended, fingerprint))
}

/// The count in column `at`.
pub(super) fn number(row: &PgRow, at: usize) -> Result<u64, sqlx::Error> {
    natural(row.try_get(at)?)
}

/// A count as the log has it.
pub(super) fn natural(number: i64) -> Result<u64, sqlx::Error> {
    u64::try_from(number).map_err(undecodable)
}

async fn rows_after(pool: &PgPool, after: Position, limit: usize) -> Result<Vec<PgRow>, ReadError> {
    let query = sqlx::query(
        "SELECT position, event_id, stream, revision, type, schema_version, recorded_at,
                command_id, metadata, payload
         FROM events WHERE position > $1 ORDER BY position LIMIT $2",
    )
    .bind(integer(after.0))
    .bind(i64::try_from(limit).unwrap_or(i64::MAX));
    within(query.fetch_all(pool)).await
}

fn envelopes(rows: Vec<PgRow>) -> Result<Vec<Envelope>, ReadError> {
    rows.iter().map(|row| readable(row, envelope)).collect()
}

/// What `decode` makes of the row; where it cannot, the log is damaged at its position.
fn readable<T>(
    row: &PgRow,
    decode: fn(&PgRow) -> Result<T, Box<dyn Error>>,
) -> Result<T, ReadError> {
    decode(row).map_err(|problem| match number(row, 0) {
        Ok(position) => ReadError::Damaged {
            position: Position(position),
            problem: problem.to_string(),
        },
        Err(error) => unavailable(error),
    })
}

fn envelope(row: &PgRow) -> Result<Envelope, Box<dyn Error>> {
    let stored = stored_event(row)?;
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

fn stored_event(row: &PgRow) -> Result<StoredEvent, Box<dyn Error>> {
    Ok(StoredEvent {
        position: Position(number(row, 0)?),
        id: EventId(row.try_get(1)?),
        stream: StreamName(String::from_utf8(row.try_get(2)?)?),
        revision: Revision(number(row, 3)?),
        type_name: row.try_get(4)?,
        schema_version: number(row, 5)?.try_into()?,
        recorded_at_us: row.try_get(6)?,
        command: CommandId(row.try_get(7)?),
        metadata: row.try_get(8)?,
        payload: row.try_get(9)?,
    })
}

/// What `read` answers, unless the server goes silent.
async fn within<T>(read: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, ReadError> {
    match timeout(READ_TIMEOUT, read).await {
        Ok(answer) => answer.map_err(unavailable),
        Err(_) => Err(unavailable(io::Error::from(io::ErrorKind::TimedOut).into())),
    }
}

fn unavailable(error: sqlx::Error) -> ReadError {
    ReadError::Unavailable(Box::new(error))
}

fn undecodable(error: impl Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}
