//! The statements that append a batch: one that reads what decides over it, and one that inserts
//! what was accepted, provided that the log's head is where it was then.
//!
//! Every append moves the head, and keeps its row locked until its commit. So the one that moves it
//! from where it was when it looked has seen all there is, and nobody else comes between; and the
//! lock is held for one statement and its commit alone. Where another process was faster, the
//! batch is decided again under the lock.

use domain::{Position, Revision};
use jiff::Timestamp;
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};
use uuid::Uuid;

use super::read;
use crate::batch::{Decided, Known, Outcome};
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

/// Appends what can be appended of `appends`, each as if after the ones before it, all in one
/// transaction. `known` is what [`known`] has just read. Answers the outcomes in order and the
/// log's last position.
pub(super) async fn append(
    connection: &mut PgConnection,
    known: Known<'_>,
    appends: &[Append],
    now: Timestamp,
) -> Result<(Vec<Outcome>, Position), sqlx::Error> {
    let decided = known.decide(appends);
    if decided.accepted.is_empty() {
        return Ok((decided.outcomes, decided.head));
    }
    if let [insert] = &inserts(&decided, now)[..]
        // A transaction of its own.
        && insert.run(connection).await?
    {
        return Ok((decided.outcomes, decided.head));
    }
    begin(connection).await?;
    append_under_lock(connection, appends, now).await
}

/// As [`append`], in the transaction that [`begin`] has opened, which it commits.
pub(super) async fn append_under_lock(
    connection: &mut PgConnection,
    appends: &[Append],
    now: Timestamp,
) -> Result<(Vec<Outcome>, Position), sqlx::Error> {
    let decided = known(connection, appends).await?.decide(appends);
    for insert in inserts(&decided, now) {
        if !insert.run(connection).await? {
            let problem = "the head of the event log moved under its lock";
            return Err(sqlx::Error::Protocol(problem.to_owned()));
        }
    }
    sqlx::raw_sql("COMMIT").execute(connection).await?;
    Ok((decided.outcomes, decided.head))
}

/// Finds out whether the log could be appended to.
pub(super) async fn probe(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    begin(connection).await?;
    let heads = "SELECT position, (SELECT coalesce(max(position), 0) FROM events) FROM log_head";
    head(&sqlx::query(heads).fetch_one(&mut *connection).await?)?;
    sqlx::raw_sql("ROLLBACK").execute(connection).await?;
    Ok(())
}

/// What the log holds that decides over `appends`.
pub(super) async fn known<'a>(
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

/// What is to be inserted, cut into statements.
fn inserts<'a>(decided: &Decided<'a>, now: Timestamp) -> Vec<Insert<'a>> {
    let mut inserts = Vec::new();
    let mut insert = Insert::new(decided.before, now);
    for (append, appended) in &decided.accepted {
        let metadata = serde_json::to_string(&append.meta)
            .expect("plain data with string keys has a JSON form");
        let first_revision = appended.revision.0 + 1 - append.events.len() as u64;
        insert.command(append, *appended);
        for (index, event) in (0..).zip(&append.events) {
            if insert.is_full() {
                let next = Insert::new(insert.after, now);
                inserts.push(std::mem::replace(&mut insert, next));
            }
            insert.after = Position(appended.first.0 + index);
            insert.positions.push(integer(insert.after.0));
            insert.ids.push(event.id.0);
            insert.streams.push(append.stream.as_str().as_bytes());
            insert.revisions.push(integer(first_revision + index));
            insert.types.push(event.type_name);
            insert.schema_versions.push(event.schema_version.into());
            insert.commands.push(append.command.0);
            insert.metadata.push(metadata.clone());
            insert.payloads.push(&event.payload);
            insert.payload_bytes += event.payload.len();
        }
    }
    if !insert.positions.is_empty() {
        inserts.push(insert);
    }
    inserts
}

/// Rows of `events` and of `commands`, an array for each column.
struct Insert<'a> {
    /// Where the head must be, and where it goes.
    before: Position,
    after: Position,
    now: Timestamp,
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
    recorded: Recorded<'a>,
}

/// Rows of `commands`.
#[derive(Default)]
struct Recorded<'a> {
    ids: Vec<Uuid>,
    fingerprints: Vec<&'a [u8]>,
    firsts: Vec<i64>,
    lasts: Vec<i64>,
    streams: Vec<&'a [u8]>,
    revisions: Vec<i64>,
}

impl<'a> Insert<'a> {
    fn new(before: Position, now: Timestamp) -> Self {
        Self {
            before,
            after: before,
            now,
            positions: Vec::new(),
            ids: Vec::new(),
            streams: Vec::new(),
            revisions: Vec::new(),
            types: Vec::new(),
            schema_versions: Vec::new(),
            commands: Vec::new(),
            metadata: Vec::new(),
            payloads: Vec::new(),
            payload_bytes: 0,
            recorded: Recorded::default(),
        }
    }

    fn command(&mut self, append: &'a Append, appended: Appended) {
        let recorded = &mut self.recorded;
        recorded.ids.push(append.command.0);
        recorded.fingerprints.push(&append.fingerprint);
        recorded.firsts.push(integer(appended.first.0));
        recorded.lasts.push(integer(appended.last.0));
        recorded.streams.push(append.stream.as_str().as_bytes());
        recorded.revisions.push(integer(appended.revision.0));
    }

    fn is_full(&self) -> bool {
        self.positions.len() == MAX_INSERT_ROWS || self.payload_bytes >= MAX_INSERT_BYTES
    }

    /// Inserts the rows, and answers whether it did: not where the head is elsewhere.
    async fn run(&self, connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
        let inserted = sqlx::query(
            "WITH moved AS (
                 UPDATE log_head SET position = $2 WHERE position = $1 RETURNING $3::bigint AS at
             ), recorded AS (
                 INSERT INTO commands (command_id, fingerprint, first_position, last_position,
                                       stream, revision)
                 SELECT asked.*
                 FROM moved, unnest($13::uuid[], $14::bytea[], $15::bigint[], $16::bigint[],
                                    $17::bytea[], $18::bigint[]) AS asked
             )
             INSERT INTO events (position, event_id, stream, revision, type, schema_version,
                                 command_id, metadata, payload, recorded_at)
             SELECT asked.*, moved.at
             FROM moved, unnest($4::bigint[], $5::uuid[], $6::bytea[], $7::bigint[], $8::text[],
                                $9::bigint[], $10::uuid[], $11::text[], $12::bytea[]) AS asked",
        )
        .bind(integer(self.before.0))
        .bind(integer(self.after.0))
        .bind(self.now.as_microsecond())
        .bind(&self.positions)
        .bind(&self.ids)
        .bind(&self.streams)
        .bind(&self.revisions)
        .bind(&self.types)
        .bind(&self.schema_versions)
        .bind(&self.commands)
        .bind(&self.metadata)
        .bind(&self.payloads)
        .bind(&self.recorded.ids)
        .bind(&self.recorded.fingerprints)
        .bind(&self.recorded.firsts)
        .bind(&self.recorded.lasts)
        .bind(&self.recorded.streams)
        .bind(&self.recorded.revisions)
        .execute(connection)
        .await?;
        Ok(inserted.rows_affected() > 0)
    }
}
