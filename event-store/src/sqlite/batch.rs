//! One write transaction: decides each append of a batch in turn and inserts what was accepted.
//!
//! Every query hops to SQLite's thread and back, so there is one for all that is read and one per
//! table for all that is written, the transaction's begin and end among them: rows travel as a
//! JSON array, bytes side by side in one blob.
//!
//! After an error the transaction may still be open: the connection cannot be used any longer.

use domain::{CommandId, EventId, Position, Revision};
use jiff::Timestamp;
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

use super::read;
use crate::batch::{Known, Outcome};
use crate::port::{Append, Appended};

/// Payload bytes and rows past which an insert is cut: SQLite takes a blob or text of 1 GB.
const MAX_INSERT_BYTES: usize = 8 * 1024 * 1024;
const MAX_INSERT_ROWS: usize = 4096;

/// Appends what can be appended of `appends`, each as if after the ones before it, all in one
/// transaction. Answers the outcomes in order and the log's last position.
pub(super) async fn append(
    connection: &mut SqliteConnection,
    appends: &[Append],
    now: Timestamp,
) -> Result<(Vec<Outcome>, Position), sqlx::Error> {
    let decided = begin(connection, appends).await?.decide(appends);
    if decided.accepted.is_empty() {
        sqlx::raw_sql("ROLLBACK").execute(connection).await?;
    } else {
        insert_events(connection, &decided.accepted, now).await?;
        insert_commands_and_commit(connection, &decided.accepted).await?;
    }
    Ok((decided.outcomes, decided.head))
}

/// Finds out whether an append would be committed, by a commit that changes nothing. With
/// `to_disk`, one that writes to the disk and syncs it.
pub(super) async fn probe(
    connection: &mut SqliteConnection,
    to_disk: bool,
) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(if to_disk {
        // It is 0 already, and unused; SQLite still writes its page.
        "BEGIN IMMEDIATE; PRAGMA user_version = 0; COMMIT"
    } else {
        "BEGIN IMMEDIATE; COMMIT"
    })
    .execute(connection)
    .await?;
    Ok(())
}

/// Begins the transaction. Answers what the log holds that decides over `appends`.
async fn begin<'a>(
    connection: &mut SqliteConnection,
    appends: &'a [Append],
) -> Result<Known<'a>, sqlx::Error> {
    let asked: Vec<_> = appends
        .iter()
        .map(|append| (&append.stream, append.command))
        .collect();
    // IMMEDIATE: positions and revisions read here must stand until the commit, whichever
    // other process writes to the file.
    let rows = sqlx::query(
        "BEGIN IMMEDIATE;
         SELECT (SELECT coalesce(max(position), 0) FROM events),
                (SELECT max(revision) FROM events WHERE stream = asked.value ->> 0),
                first_position, last_position, commands.revision, fingerprint
         FROM jsonb_each(?1) AS asked
         LEFT JOIN commands ON command_id = unhex(asked.value ->> 1, '-')
         ORDER BY asked.key",
    )
    .bind(json(&asked))
    .fetch_all(connection)
    .await?;
    let head = rows.first().map(|row| row.try_get(0)).transpose()?;
    let mut known = Known::new(Position(head.unwrap_or(0)), appends.len());
    for (append, row) in appends.iter().zip(&rows) {
        let revision: Option<u64> = row.try_get(1)?;
        known.stream(&append.stream, revision.map(Revision));
        if let Some(first) = row.try_get(2)? {
            let appended = Appended {
                first: Position(first),
                last: Position(row.try_get(3)?),
                revision: Revision(row.try_get(4)?),
            };
            let fingerprint = read::fingerprint(row.try_get(5)?)?;
            known.command(append.command, appended, fingerprint);
        }
    }
    Ok(known)
}

async fn insert_events(
    connection: &mut SqliteConnection,
    accepted: &[(&Append, Appended)],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut rows = Vec::with_capacity(accepted.len());
    let mut payloads = Vec::new();
    for (append, appended) in accepted {
        let metadata = json(&append.meta);
        let first_revision = appended.revision.0 + 1 - append.events.len() as u64;
        for (index, event) in (0..).zip(&append.events) {
            if rows.len() == MAX_INSERT_ROWS || payloads.len() >= MAX_INSERT_BYTES {
                insert_event_rows(connection, &rows, std::mem::take(&mut payloads)).await?;
                rows.clear();
            }
            rows.push((
                appended.first.0 + index,
                event.id,
                append.stream.as_str(),
                first_revision + index,
                event.type_name,
                event.schema_version,
                now.as_microsecond(),
                append.command,
                metadata.clone(),
                // SQLite counts a blob's bytes from 1.
                payloads.len() + 1,
                event.payload.len(),
            ));
            payloads.extend_from_slice(&event.payload);
        }
    }
    insert_event_rows(connection, &rows, payloads).await
}

/// Everything of an event that is inserted but its payload, of which there is the place and the
/// length among the payloads.
type EventRow<'a> = (
    u64,
    EventId,
    &'a str,
    u64,
    &'static str,
    u32,
    i64,
    CommandId,
    String,
    usize,
    usize,
);

/// Inserts `rows`, in their order: `jsonb_each` keeps an array's, and the table takes no other.
///
/// The `coalesce` is for when all payloads are empty: of an empty blob SQLite's
/// `substr` is NULL.
async fn insert_event_rows(
    connection: &mut SqliteConnection,
    rows: &[EventRow<'_>],
    payloads: Vec<u8>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO events (position, event_id, stream, revision, type, schema_version,
                             recorded_at, command_id, metadata, payload)
         SELECT value ->> 0, unhex(value ->> 1, '-'), value ->> 2, value ->> 3, value ->> 4,
                value ->> 5, value ->> 6, unhex(value ->> 7, '-'), value ->> 8,
                coalesce(substr(?2, value ->> 9, value ->> 10), x'')
         FROM jsonb_each(?1)",
    )
    .bind(json(rows))
    .bind(payloads)
    .execute(connection)
    .await?;
    Ok(())
}

async fn insert_commands_and_commit(
    connection: &mut SqliteConnection,
    accepted: &[(&Append, Appended)],
) -> Result<(), sqlx::Error> {
    let rows: Vec<_> = accepted
        .iter()
        .map(|(append, appended)| {
            (
                append.command,
                appended.first,
                appended.last,
                &append.stream,
                appended.revision,
            )
        })
        .collect();
    let fingerprints: Vec<u8> = accepted
        .iter()
        .flat_map(|(append, _)| append.fingerprint)
        .collect();
    sqlx::query(
        "INSERT INTO commands (command_id, fingerprint, first_position, last_position, stream,
                               revision)
         SELECT unhex(value ->> 0, '-'), substr(?2, 1 + 32 * key, 32), value ->> 1, value ->> 2,
                value ->> 3, value ->> 4
         FROM jsonb_each(?1);
         COMMIT",
    )
    .bind(json(&rows))
    .bind(fingerprints)
    .execute(connection)
    .await?;
    Ok(())
}

fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("plain data with string keys has a JSON form")
}
