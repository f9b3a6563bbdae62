//! Reads of the journal.

use std::error::Error;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use domain::run::{Ledger, Run};
use domain::{Position, RunId};
use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::JournalError;
use super::record::{Recorded, Representation};
use super::schema;

/// The most runs that one read answers.
const MAX_LIMIT: u32 = 1000;

/// Reads at a time.
const READERS: usize = 4;

/// Reads the journal, each time by a connection of its own on a thread that may block: reads are
/// for people, and few.
#[derive(Clone)]
pub(super) struct Reader {
    path: Arc<Path>,
    turns: Arc<Semaphore>,
}

impl Reader {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.into(),
            turns: Arc::new(Semaphore::new(READERS)),
        }
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, JournalError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| JournalError::Closed)?;
        let path = Arc::clone(&self.path);
        let reading = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            read(&schema::reader(&path)?)
        });
        let read = reading.await.map_err(|_| JournalError::Closed)?;
        read.map_err(|error| JournalError::Read(Arc::new(error)))
    }
}

pub(super) fn runs(
    journal: &Connection,
    owner: &str,
    before: Option<i64>,
    limit: u32,
) -> rusqlite::Result<Vec<Run>> {
    let mut statement = journal.prepare(
        "SELECT run, run_id, topic, partition, \"offset\", claimed_at, attempts, decision, version,
                revision, status, reason, reason_text, finished_at, outbox.run IS NULL, content_type,
                content_encoding, NULL
         FROM listeners JOIN runs USING (listener) LEFT JOIN decisions USING (run)
              LEFT JOIN outbox USING (run)
         WHERE consumer_group = ?1 AND run < ?2 ORDER BY run DESC LIMIT ?3",
    )?;
    let values = params![owner, before.unwrap_or(i64::MAX), limit.min(MAX_LIMIT)];
    statement.query_map(values, run_record)?.collect()
}

pub(super) fn run(journal: &Connection, owner: &str, id: RunId) -> rusqlite::Result<Option<Run>> {
    let row = journal.query_row(
        "SELECT run, run_id, topic, partition, \"offset\", claimed_at, attempts, decision, version,
                revision, status, reason, reason_text, finished_at, outbox.run IS NULL, content_type,
                content_encoding, NULL
         FROM listeners JOIN runs USING (listener) LEFT JOIN decisions USING (run)
              LEFT JOIN outbox USING (run)
         WHERE consumer_group = ?1 AND run_id = ?2 ORDER BY run DESC LIMIT 1",
        params![owner, id.0.as_bytes()],
        run_record,
    );
    row.optional()
}

pub(super) fn ledger(journal: &Connection, owner: &str) -> rusqlite::Result<Ledger> {
    let row = journal.query_row(
        "SELECT received, succeeded, dead_lettered, filtered, dropped,
                received - succeeded - dead_lettered - filtered - dropped
         FROM listeners WHERE consumer_group = ?1",
        [owner],
        |row| {
            Ok(Ledger {
                received: row.get(0)?,
                succeeded: row.get(1)?,
                dead_lettered: row.get(2)?,
                filtered: row.get(3)?,
                dropped: row.get(4)?,
                in_flight: row.get(5)?,
            })
        },
    );
    Ok(row.optional()?.unwrap_or_default())
}

/// The decision in the columns of `row` from `first` on: decision, version, revision, status,
/// reason, reason text, finished at, published, content type, content encoding, result.
pub(super) fn recorded(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Recorded>> {
    let Some(code) = row.get_ref(first)?.as_str_or_null()? else {
        return Ok(None);
    };
    let result: Option<Vec<u8>> = row.get(first + 10)?;
    Ok(Some(Recorded {
        decision: parse(first, code)?,
        version: parsed(row, first + 1)?,
        revision: parsed(row, first + 2)?.map(Position),
        status: row.get(first + 3)?,
        reason: parsed(row, first + 4)?,
        reason_text: row.get(first + 5)?,
        finished_at: time(row, first + 6)?,
        published: row.get(first + 7)?,
        representation: Representation {
            content_type: row.get(first + 8)?,
            content_encoding: row.get(first + 9)?,
        },
        result: result.map(Bytes::from),
    }))
}

fn run_record(row: &Row<'_>) -> rusqlite::Result<Run> {
    let (topic, partition, offset): (String, i32, i64) = (row.get(2)?, row.get(3)?, row.get(4)?);
    Ok(Run {
        number: row.get(0)?,
        id: RunId(Uuid::from_bytes(row.get(1)?)),
        message: format!("{topic}/{partition}/{offset}"),
        claimed_at: time(row, 5)?,
        attempts: row.get(6)?,
        end: recorded(row, 7)?.map(Into::into),
    })
}

/// A column's text, read as what it stands for.
pub(super) fn text<T: FromStr<Err: Error + Send + Sync + 'static>>(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<T> {
    parse(column, row.get_ref(column)?.as_str()?)
}

/// The same where there may be none.
fn parsed<T: FromStr<Err: Error + Send + Sync + 'static>>(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<Option<T>> {
    let text = row.get_ref(column)?.as_str_or_null()?;
    text.map(|text| parse(column, text)).transpose()
}

fn parse<T: FromStr<Err: Error + Send + Sync + 'static>>(
    column: usize,
    text: &str,
) -> rusqlite::Result<T> {
    text.parse().map_err(|error| damaged(column, error))
}

fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    Timestamp::from_microsecond(row.get(column)?).map_err(|error| damaged(column, error))
}

fn damaged(column: usize, error: impl Into<Box<dyn Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
}
