//! Reads of the journal.

use std::error::Error;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use domain::consumer::ConsumerStatus;
use domain::lease::Epoch;
use domain::run::{Attempt, Ledger, OutputState, RunList, RunPage};
use domain::sample::KeptSample;
use domain::series::{Measured, Span};
use domain::{Clock, Position, TopicId, WorkerId};
use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::attempts::attempts;
use super::confirmations::unconfirmed;
use super::consumers::consumers;
use super::samples::sample;
use super::schema;
use super::search::page_of;
use super::series::measured;
use crate::journal::decision::{DEAD_LETTERED, Draft, Pending, Recorded};
use crate::journal::search::share;
use crate::journal::store::{ReadError, Reads};

/// Reads at a time.
const READERS: usize = 4;

/// The columns of a decision.
pub(super) const RECORDED: &str = "decision, version, revision, status, reason, reason_text, \
     finished_at, decisions.digest, failure";
pub(super) const RECORDED_COLUMNS: usize = 9;

/// Reads the journal, each time by a connection of its own on a thread that may block: reads are
/// for people, and few.
#[derive(Clone)]
pub(in crate::journal) struct SqliteReader {
    path: Arc<Path>,
    turns: Arc<Semaphore>,
    clock: Arc<dyn Clock>,
}

impl SqliteReader {
    pub(in crate::journal) fn new(path: &Path, clock: Arc<dyn Clock>) -> Self {
        Self {
            path: path.into(),
            turns: Arc::new(Semaphore::new(READERS)),
            clock,
        }
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ReadError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|closed| Arc::new(closed) as ReadError)?;
        let path = Arc::clone(&self.path);
        let reading = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            read(&schema::reader(&path)?)
        });
        let read = reading
            .await
            .map_err(|ended| Arc::new(ended) as ReadError)?;
        read.map_err(|error| Arc::new(error) as ReadError)
    }
}

#[async_trait]
impl Reads for SqliteReader {
    async fn pages(&self, pages: Vec<RunPage>) -> Result<Vec<RunList>, ReadError> {
        let read = move |journal: &Connection| {
            let most = share(pages.len());
            let pages = pages.iter().map(|page| page_of(journal, page, most));
            pages.collect()
        };
        self.read(read).await
    }

    async fn attempts(&self, runs: Vec<i64>) -> Result<Vec<Vec<Attempt>>, ReadError> {
        let read = move |journal: &Connection| {
            let runs = runs.iter().map(|run| attempts(journal, *run));
            runs.collect()
        };
        self.read(read).await
    }

    async fn ledgers(&self, owners: Vec<String>) -> Result<Vec<Ledger>, ReadError> {
        let read = move |journal: &Connection| {
            let ledgers = owners.iter().map(|owner| ledger(journal, owner));
            ledgers.collect()
        };
        self.read(read).await
    }

    async fn samples(&self, runs: Vec<(Uuid, i64)>) -> Result<Vec<Option<KeptSample>>, ReadError> {
        let read = move |journal: &Connection| {
            let samples = runs
                .iter()
                .map(|(group, run)| sample(journal, *group, *run));
            samples.collect()
        };
        self.read(read).await
    }

    async fn series(
        &self,
        spans: Vec<(Uuid, Span)>,
    ) -> Result<Vec<Vec<(i64, Measured)>>, ReadError> {
        let read = move |journal: &Connection| {
            let spans = spans
                .iter()
                .map(|(group, span)| measured(journal, *group, span));
            spans.collect()
        };
        self.read(read).await
    }

    async fn consumers(&self, groups: Vec<Uuid>) -> Result<Vec<Vec<ConsumerStatus>>, ReadError> {
        let now = self.clock.now();
        let read = move |journal: &Connection| {
            let read = groups.iter().map(|group| consumers(journal, *group, now));
            read.collect()
        };
        self.read(read).await
    }

    async fn unconfirmed(&self, position: Position) -> Result<Vec<WorkerId>, ReadError> {
        let now = self.clock.now();
        self.read(move |journal| unconfirmed(journal, position, now))
            .await
    }

    async fn workers(&self) -> Result<Vec<(WorkerId, Epoch)>, ReadError> {
        Ok(Vec::new())
    }
}

fn ledger(journal: &Connection, owner: &str) -> rusqlite::Result<Ledger> {
    let row = journal.query_row(
        "SELECT received, succeeded, dead_lettered, filtered, dropped,
                received - succeeded - dead_lettered - filtered - dropped, withdrawn, too_large,
                missed
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
                outputs_withdrawn: row.get(6)?,
                outputs_too_large: row.get(7)?,
                missed: row.get(8)?,
            })
        },
    );
    Ok(row.optional()?.unwrap_or_default())
}

/// The outputs of a run that have ended by themselves, and how.
pub(super) fn ended_outputs(
    journal: &Connection,
    run: i64,
) -> rusqlite::Result<Vec<(TopicId, OutputState)>> {
    let mut select = journal
        .prepare_cached("SELECT topic, state FROM outputs WHERE run = ?1 AND state <> ?2")?;
    let values = params![run, DEAD_LETTERED];
    let ended = select.query_map(values, |row| Ok((text(row, 0)?, text(row, 1)?)))?;
    ended.collect()
}

/// A list of topics in a column; none where there is no list.
pub(super) fn topics(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<TopicId>> {
    let list = row.get_ref(column)?.as_str_or_null()?.unwrap_or_default();
    list.lines().map(|topic| parse(column, topic)).collect()
}

/// The decision in the columns of `row` from `first` on, without what is to be published.
pub(super) fn recorded(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Recorded>> {
    let Some(code) = row.get_ref(first)?.as_str_or_null()? else {
        return Ok(None);
    };
    let draft = Draft {
        decision: parse(first, code)?,
        version: parsed(row, first + 1)?,
        revision: parsed(row, first + 2)?.map(Position),
        status: row.get(first + 3)?,
        reason: parsed(row, first + 4)?,
        reason_text: row.get(first + 5)?,
        digest: row.get(first + 7)?,
        failure: parsed(row, first + 8)?,
        call: None,
        pending: Pending::Nothing,
    };
    let finished_at = time(row, first + 6)?;
    Ok(Some(Recorded { draft, finished_at }))
}

/// A column's text, read as what it stands for.
pub(super) fn text<T: FromStr<Err: Error + Send + Sync + 'static>>(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<T> {
    parse(column, row.get_ref(column)?.as_str()?)
}

/// The same where there may be none.
pub(super) fn parsed<T: FromStr<Err: Error + Send + Sync + 'static>>(
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

pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    Timestamp::from_microsecond(row.get(column)?).map_err(|error| damaged(column, error))
}

pub(super) fn damaged(
    column: usize,
    error: impl Into<Box<dyn Error + Send + Sync>>,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
}
