//! Reads of the journal.

use std::error::Error;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use domain::consumer::ConsumerStatus;
use domain::lease::Epoch;
use domain::run::{Ledger, OutputState, Run, RunOutput};
use domain::sample::KeptSample;
use domain::{Clock, Position, RunId, TopicId, WorkerId};
use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::confirmations::unconfirmed;
use super::consumers::consumers;
use super::samples::sample;
use super::schema;
use crate::journal::decision::{Draft, Pending, Recorded};
use crate::journal::store::{Page, ReadError, Reads};

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
    async fn pages(&self, pages: Vec<Page>) -> Result<Vec<Vec<Run>>, ReadError> {
        let read = move |journal: &Connection| {
            let pages = pages.iter().map(|page| runs(journal, page));
            pages.collect()
        };
        self.read(read).await
    }

    async fn run(&self, owner: String, id: RunId) -> Result<Option<Run>, ReadError> {
        self.read(move |journal| run(journal, &owner, id)).await
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

/// The columns of a run, after those of its decision.
const RUN: &str = "run, run_id, topic, partition, \"offset\", claimed_at, attempts, topics, \
                   outbox.run IS NOT NULL";

const TABLES: &str = "listeners JOIN runs USING (listener) LEFT JOIN decisions USING (run) \
                      LEFT JOIN outbox USING (run) LEFT JOIN destinations USING (destination)";

fn runs(journal: &Connection, page: &Page) -> rusqlite::Result<Vec<Run>> {
    let mut statement = journal.prepare(&format!(
        "SELECT {RECORDED}, {RUN} FROM {TABLES}
         WHERE consumer_group = ?1 AND run < ?2 ORDER BY run DESC LIMIT ?3"
    ))?;
    let values = params![page.owner, page.before, page.limit];
    let found = statement.query_map(values, run_record)?;
    let mut runs = found.collect::<Result<Vec<_>, _>>()?;
    for run in &mut runs {
        end_outputs(journal, run)?;
    }
    Ok(runs)
}

fn run(journal: &Connection, owner: &str, id: RunId) -> rusqlite::Result<Option<Run>> {
    let row = journal.query_row(
        &format!(
            "SELECT {RECORDED}, {RUN} FROM {TABLES}
             WHERE consumer_group = ?1 AND run_id = ?2 ORDER BY run DESC LIMIT 1"
        ),
        params![owner, id.0.as_bytes()],
        run_record,
    );
    let mut found = row.optional()?;
    if let Some(run) = &mut found {
        end_outputs(journal, run)?;
    }
    Ok(found)
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
    let mut select = journal.prepare_cached("SELECT topic, state FROM outputs WHERE run = ?1")?;
    let ended = select.query_map([run], |row| Ok((text(row, 0)?, text(row, 1)?)))?;
    ended.collect()
}

fn end_outputs(journal: &Connection, run: &mut Run) -> rusqlite::Result<()> {
    if run.outputs.is_empty() {
        return Ok(());
    }
    for (topic, state) in ended_outputs(journal, run.number)? {
        let ended = run.outputs.iter_mut().find(|output| output.topic == topic);
        if let Some(output) = ended {
            output.state = state;
        }
    }
    Ok(())
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
        pending: Pending::Nothing,
    };
    let finished_at = time(row, first + 6)?;
    Ok(Some(Recorded { draft, finished_at }))
}

fn run_record(row: &Row<'_>) -> rusqlite::Result<Run> {
    const FIRST: usize = RECORDED_COLUMNS;
    let (topic, partition, offset): (String, i32, i64) = (
        row.get(FIRST + 2)?,
        row.get(FIRST + 3)?,
        row.get(FIRST + 4)?,
    );
    let is_waiting: bool = row.get(FIRST + 8)?;
    let state = if is_waiting {
        OutputState::Waiting
    } else {
        OutputState::Published
    };
    let outputs = topics(row, FIRST + 7)?.into_iter();
    Ok(Run {
        number: row.get(FIRST)?,
        id: RunId(Uuid::from_bytes(row.get(FIRST + 1)?)),
        message: format!("{topic}/{partition}/{offset}"),
        claimed_at: time(row, FIRST + 5)?,
        attempts: row.get(FIRST + 6)?,
        outputs: outputs.map(|topic| RunOutput { topic, state }).collect(),
        end: recorded(row, 0)?.map(Into::into),
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

pub(super) fn damaged(
    column: usize,
    error: impl Into<Box<dyn Error + Send + Sync>>,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
}
