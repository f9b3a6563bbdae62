//! Reads of the log.

use std::error::Error;
use std::io;
use std::time::Duration;

use domain::{CommandId, Envelope, EventId, Position, Revision, StreamName};
use jiff::Timestamp;
use sqlx::Row;
use sqlx::postgres::{PgPool, PgRow};
use tokio::time::timeout;
use uuid::Uuid;

use crate::group_read::{Asked, Pages, SHORT, add};
use crate::integer::integer;
use crate::port::{Appended, ReadError};
use crate::sql::{Answered, Reads};
use crate::stored::StoredEvent;

/// How long a read may take; only a server that went silent takes longer.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

impl Reads for PgPool {
    async fn stream(
        &self,
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
        successive(envelopes(within(query.fetch_all(self)).await?)?, from)
    }

    async fn streams(&self, asked: &[Asked]) -> Result<Pages, sqlx::Error> {
        let names: Vec<&[u8]> = asked
            .iter()
            .map(|one| one.stream.as_str().as_bytes())
            .collect();
        let revisions: Vec<i64> = asked.iter().map(|one| integer(one.from.0)).collect();
        let query = sqlx::query(
            "SELECT event.*, asked.number - 1
             FROM unnest($1::bytea[], $2::bigint[]) WITH ORDINALITY AS asked (stream, first, number)
             CROSS JOIN LATERAL (
                 SELECT position, event_id, stream, revision, type, schema_version, recorded_at,
                        command_id, metadata, payload
                 FROM events WHERE stream = asked.stream AND revision >= asked.first
                 ORDER BY revision LIMIT $3
             ) AS event
             ORDER BY asked.number, event.revision",
        )
        .bind(names)
        .bind(revisions)
        .bind(i64::try_from(SHORT).unwrap_or(i64::MAX));
        let rows = unless_silent(query.fetch_all(self)).await?;
        let mut pages: Pages = asked.iter().map(|_| Ok(Vec::new())).collect();
        for row in &rows {
            let number = usize::try_from(number(row, 10)?).map_err(undecodable)?;
            add(&mut pages, number, readable(row, envelope));
        }
        let in_order = |(page, asked): (Result<Vec<_>, _>, &Asked)| successive(page?, asked.from);
        Ok(pages.into_iter().zip(asked).map(in_order).collect())
    }

    // Positions have no gaps, so a hole is damage.
    async fn all(&self, after: Position, limit: usize) -> Result<Vec<Envelope>, ReadError> {
        let events = self.page(after, limit).await?;
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

    async fn page(&self, after: Position, limit: usize) -> Result<Vec<Envelope>, ReadError> {
        envelopes(rows_after(self, after, limit).await?)
    }

    async fn stored(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, ReadError> {
        let mut events = Vec::new();
        for row in &rows_after(self, after, limit).await? {
            match readable(row, stored_event) {
                Ok(event) => events.push(event),
                Err(damage) if events.is_empty() => return Err(damage),
                Err(_) => break,
            }
        }
        Ok(events)
    }

    async fn at(&self, positions: &[Position]) -> Result<Vec<Envelope>, ReadError> {
        let asked: Vec<i64> = positions.iter().map(|asked| integer(asked.0)).collect();
        let query = sqlx::query(
            "SELECT position, event_id, stream, revision, type, schema_version, recorded_at,
                    command_id, metadata, payload
             FROM events WHERE position = ANY($1) ORDER BY position",
        )
        .bind(asked);
        envelopes(within(query.fetch_all(self)).await?)
    }

    async fn head(&self) -> Result<Position, ReadError> {
        let query = sqlx::query(
            "SELECT position, (SELECT coalesce(max(position), 0) FROM events) FROM log_head",
        );
        let row = within(query.fetch_one(self)).await?;
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

    async fn command(&self, command: CommandId) -> Result<Option<Answered>, ReadError> {
        let query = sqlx::query(
            "SELECT first_position, last_position, revision, fingerprint
             FROM commands WHERE command_id = $1",
        )
        .bind(command.0);
        let row = within(query.fetch_optional(self)).await?;
        row.map(|row| appended(&row, 0))
            .transpose()
            .map_err(unavailable)
    }

    async fn commands(&self, commands: &[CommandId]) -> Result<Vec<Option<Answered>>, ReadError> {
        let asked: Vec<Uuid> = commands.iter().map(|command| command.0).collect();
        let query = sqlx::query(
            "SELECT first_position, last_position, revision, fingerprint
             FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (command_id, number)
             LEFT JOIN commands ON commands.command_id = asked.command_id
             ORDER BY asked.number",
        )
        .bind(asked);
        let rows = within(query.fetch_all(self)).await?;
        let answer = |row: &PgRow| match row.try_get::<Option<i64>, _>(0)? {
            Some(_) => appended(row, 0).map(Some),
            None => Ok(None),
        };
        let answers = rows.iter().map(answer).collect::<Result<_, _>>();
        answers.map_err(unavailable)
    }

    async fn find(&self, id: EventId) -> Result<Option<Position>, ReadError> {
        let query = sqlx::query("SELECT position FROM events WHERE event_id = $1").bind(id.0);
        let row = within(query.fetch_optional(self)).await?;
        let position = row.map(|row| number(&row, 0).map(Position));
        position.transpose().map_err(unavailable)
    }
}

/// The `events` of a stream, whose revisions count from `from` on: a hole is damage.
fn successive(events: Vec<Envelope>, from: Revision) -> Result<Vec<Envelope>, ReadError> {
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
    unless_silent(read).await.map_err(unavailable)
}

async fn unless_silent<T>(
    read: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    match timeout(READ_TIMEOUT, read).await {
        Ok(answer) => answer,
        Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
    }
}

fn unavailable(error: sqlx::Error) -> ReadError {
    ReadError::Unavailable(Box::new(error))
}

fn undecodable(error: impl Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}
