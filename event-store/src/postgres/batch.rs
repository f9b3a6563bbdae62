//! One write transaction: locks the log's head, decides each append of a batch in turn and
//! inserts what was accepted.

use domain::{Position, Revision};
use jiff::Timestamp;
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};
use uuid::Uuid;

use super::read;
use crate::batch::{Known, Outcome};
use crate::integer::integer;
use crate::port::{Append, Appended};

/// Payload bytes and rows past which an insert is cut: a message takes 1 GB.
const MAX_INSERT_BYTES: usize = 8 * 1024 * 1024;
const MAX_INSERT_ROWS: usize = 4096;

/// Opens a transaction and waits until it has the head, which makes it the only one that appends,
/// of all processes.
pub(super) async fn begin(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    // READ COMMITTED, whatever the default is: what decides is read by a later statement, which
    // then sees all that was committed until the head was free. A snapshot from before the wait
    // would not.
    sqlx::raw_sql(
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
         SELECT position FROM log_head FOR UPDATE",
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Appends what can be appended of `appends`, each as if after the ones before it, and commits
/// the transaction that [`begin`] has opened. Answers the outcomes in order and the log's last
/// position.
pub(super) async fn append(
    connection: &mut PgConnection,
    appends: &[Append],
    now: Timestamp,
) -> Result<(Vec<Outcome>, Position), sqlx::Error> {
    let decided = known(connection, appends).await?.decide(appends);
    if decided.accepted.is_empty() {
        // A commit would sync the disk for the lock alone.
        sqlx::raw_sql("ROLLBACK").execute(connection).await?;
    } else {
        insert_events(connection, &decided.accepted, now).await?;
        insert_commands(connection, &decided.accepted, decided.head).await?;
        sqlx::raw_sql("COMMIT").execute(connection).await?;
    }
    Ok((decided.outcomes, decided.head))
}

/// What the log holds that decides over `appends`.
async fn known<'a>(
    connection: &mut PgConnection,
    appends: &'a [Append],
) -> Result<Known<'a>, sqlx::Error> {
    let streams: Vec<&[u8]> = appends
        .iter()
        .map(|append| append.stream.as_str().as_bytes())
        .collect();
    let commands: Vec<Uuid> = appends.iter().map(|append| append.command.0).collect();
    let rows = sqlx::query(
        "SELECT log_head.position, (SELECT coalesce(max(position), 0) FROM events),
                (SELECT max(revision) FROM events WHERE stream = asked.stream),
                first_position, last_position, commands.revision, fingerprint
         FROM log_head
         CROSS JOIN unnest($1::bytea[], $2::uuid[]) WITH ORDINALITY
             AS asked (stream, command_id, number)
         LEFT JOIN commands ON commands.command_id = asked.command_id
         ORDER BY asked.number",
    )
    .bind(streams)
    .bind(commands)
    .fetch_all(connection)
    .await?;
    if rows.len() != appends.len() {
        return Err(sqlx::Error::RowNotFound);
    }
    let head = head(&rows[0])?;
    let mut known = Known::new(head, appends.len());
    for (append, row) in appends.iter().zip(&rows) {
        let revision = row.try_get::<Option<i64>, _>(2)?;
        let revision = revision.map(read::natural).transpose()?;
        known.stream(&append.stream, revision.map(Revision));
        if row.try_get::<Option<i64>, _>(3)?.is_some() {
            let (appended, fingerprint) = read::appended(row, 3)?;
            known.command(append.command, appended, fingerprint);
        }
    }
    Ok(known)
}

/// The head, where it is the position of the last event: nothing is appended to a log that has
/// lost its end.
fn head(row: &PgRow) -> Result<Position, sqlx::Error> {
    let (head, last) = (read::number(row, 0)?, read::number(row, 1)?);
    if head == last {
        return Ok(Position(head));
    }
    Err(sqlx::Error::Protocol(format!(
        "the event log is damaged: its head is {head}, and its last event stands at {last}"
    )))
}

async fn insert_events(
    connection: &mut PgConnection,
    accepted: &[(&Append, Appended)],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut columns = EventColumns::default();
    for (append, appended) in accepted {
        let metadata = serde_json::to_string(&append.meta)
            .expect("plain data with string keys has a JSON form");
        let first_revision = appended.revision.0 + 1 - append.events.len() as u64;
        for (index, event) in (0..).zip(&append.events) {
            if columns.is_full() {
                std::mem::take(&mut columns).insert(connection, now).await?;
            }
            columns.positions.push(integer(appended.first.0 + index));
            columns.ids.push(event.id.0);
            columns.streams.push(append.stream.as_str().as_bytes());
            columns.revisions.push(integer(first_revision + index));
            columns.types.push(event.type_name);
            columns.schema_versions.push(event.schema_version.into());
            columns.commands.push(append.command.0);
            columns.metadata.push(metadata.clone());
            columns.payloads.push(&event.payload);
            columns.payload_bytes += event.payload.len();
        }
    }
    columns.insert(connection, now).await
}

/// Rows of `events`, an array for each column.
#[derive(Default)]
struct EventColumns<'a> {
    positions: Vec<i64>,
    ids: Vec<Uuid>,
    streams: Vec<&'a [u8]>,
    revisions: Vec<i64>,
    types: Vec<&'a str>,
    schema_versions: Vec<i64>,
    commands: Vec<Uuid>,
    metadata: Vec<String>,
    payloads: Vec<&'a [u8]>,
    payload_bytes: usize,
}

impl EventColumns<'_> {
    fn is_full(&self) -> bool {
        self.positions.len() == MAX_INSERT_ROWS || self.payload_bytes >= MAX_INSERT_BYTES
    }

    async fn insert(
        self,
        connection: &mut PgConnection,
        now: Timestamp,
    ) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO events (position, event_id, stream, revision, type, schema_version,
                                 command_id, metadata, payload, recorded_at)
             SELECT asked.*, $10
             FROM unnest($1::bigint[], $2::uuid[], $3::bytea[], $4::bigint[], $5::text[],
                         $6::bigint[], $7::uuid[], $8::text[], $9::bytea[]) AS asked",
        )
        .bind(self.positions)
        .bind(self.ids)
        .bind(self.streams)
        .bind(self.revisions)
        .bind(self.types)
        .bind(self.schema_versions)
        .bind(self.commands)
        .bind(self.metadata)
        .bind(self.payloads)
        .bind(now.as_microsecond())
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// Records the commands, and moves the head to `head`.
async fn insert_commands(
    connection: &mut PgConnection,
    accepted: &[(&Append, Appended)],
    head: Position,
) -> Result<(), sqlx::Error> {
    let appends = || accepted.iter().map(|(append, _)| append);
    let appended = || accepted.iter().map(|(_, appended)| appended);
    let ids: Vec<Uuid> = appends().map(|append| append.command.0).collect();
    let fingerprints: Vec<&[u8]> = appends().map(|append| &append.fingerprint[..]).collect();
    let firsts: Vec<i64> = appended().map(|one| integer(one.first.0)).collect();
    let lasts: Vec<i64> = appended().map(|one| integer(one.last.0)).collect();
    let streams: Vec<&[u8]> = appends()
        .map(|append| append.stream.as_str().as_bytes())
        .collect();
    let revisions: Vec<i64> = appended().map(|one| integer(one.revision.0)).collect();
    sqlx::query(
        "WITH moved AS (UPDATE log_head SET position = $7)
         INSERT INTO commands (command_id, fingerprint, first_position, last_position, stream,
                               revision)
         SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bytea[],
                              $6::bigint[])",
    )
    .bind(ids)
    .bind(fingerprints)
    .bind(firsts)
    .bind(lasts)
    .bind(streams)
    .bind(revisions)
    .bind(integer(head.0))
    .execute(connection)
    .await?;
    Ok(())
}
