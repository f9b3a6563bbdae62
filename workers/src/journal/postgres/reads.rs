//! Reads of the journal.

use std::error::Error;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::consumer::ConsumerStatus;
use domain::lease::Epoch;
use domain::run::{Ledger, OutputState, Run, RunOutput};
use domain::sample::KeptSample;
use domain::{Position, RunId, TopicId, WorkerId};
use jiff::Timestamp;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row};
use uuid::Uuid;

use super::confirmations::unconfirmed;
use super::consumers::consumers;
use super::samples::samples;
use crate::journal::decision::{Draft, Pending, Recorded};
use crate::journal::store::{Page, ReadError, Reads};

/// Connections for reads, and how long one is waited for.
const READERS: u32 = 4;
const PATIENCE: Duration = Duration::from_secs(10);

/// The columns of a decision.
pub(super) const RECORDED: &str = "decision, version, revision, status, reason, reason_text, \
     finished_at, decisions.digest, failure";
pub(super) const RECORDED_COLUMNS: usize = 9;

/// The columns of a run, after those of its decision.
const RUN: &str = "run, run_id, topic, partition, \"offset\", claimed_at, attempts, topics, \
                   outbox.run IS NOT NULL";

const TABLES: &str = "listeners JOIN runs USING (listener) LEFT JOIN decisions USING (run) \
                      LEFT JOIN outbox USING (run) LEFT JOIN destinations USING (destination)";

/// Reads the journal through a few connections of its own.
pub(in crate::journal) struct PostgresReader(PgPool);

impl PostgresReader {
    pub(in crate::journal) fn new(options: &PgConnectOptions) -> Self {
        let options = options.clone();
        let options = options.options([("default_transaction_read_only", "on")]);
        let pool = PgPoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(PATIENCE);
        Self(pool.connect_lazy_with(options))
    }
}

#[async_trait]
impl Reads for PostgresReader {
    async fn pages(&self, pages: Vec<Page>) -> Result<Vec<Vec<Run>>, ReadError> {
        let mut connection = self.0.acquire().await.map_err(failed)?;
        let mut read = Vec::with_capacity(pages.len());
        for page in &pages {
            read.push(runs(&mut connection, page).await.map_err(failed)?);
        }
        Ok(read)
    }

    async fn run(&self, owner: String, id: RunId) -> Result<Option<Run>, ReadError> {
        let mut connection = self.0.acquire().await.map_err(failed)?;
        run(&mut connection, &owner, id).await.map_err(failed)
    }

    async fn ledgers(&self, owners: Vec<String>) -> Result<Vec<Ledger>, ReadError> {
        let mut connection = self.0.acquire().await.map_err(failed)?;
        ledgers(&mut connection, &owners).await.map_err(failed)
    }

    async fn samples(&self, runs: Vec<(Uuid, i64)>) -> Result<Vec<Option<KeptSample>>, ReadError> {
        let mut connection = self.0.acquire().await.map_err(failed)?;
        samples(&mut connection, &runs).await.map_err(failed)
    }

    async fn consumers(&self, groups: Vec<Uuid>) -> Result<Vec<Vec<ConsumerStatus>>, ReadError> {
        let mut connection = self.0.acquire().await.map_err(failed)?;
        consumers(&mut connection, &groups).await.map_err(failed)
    }

    async fn unconfirmed(&self, position: Position) -> Result<Vec<WorkerId>, ReadError> {
        let mut connection = self.0.acquire().await.map_err(failed)?;
        unconfirmed(&mut connection, position).await.map_err(failed)
    }

    async fn workers(&self) -> Result<Vec<(WorkerId, Epoch)>, ReadError> {
        let workers: Vec<(Uuid, i64)> = sqlx::query_as("SELECT worker, epoch FROM workers")
            .fetch_all(&self.0)
            .await
            .map_err(failed)?;
        let known = |(worker, epoch): (Uuid, i64)| (WorkerId(worker), Epoch(epoch.unsigned_abs()));
        Ok(workers.into_iter().map(known).collect())
    }
}

fn failed(error: sqlx::Error) -> ReadError {
    Arc::new(error)
}

async fn runs(journal: &mut PgConnection, page: &Page) -> sqlx::Result<Vec<Run>> {
    let select = format!(
        "SELECT {RECORDED}, {RUN} FROM {TABLES}
         WHERE consumer_group = $1 AND run < $2 ORDER BY run DESC LIMIT $3"
    );
    let rows = sqlx::query(AssertSqlSafe(select))
        .bind(&page.owner)
        .bind(page.before)
        .bind(i64::from(page.limit))
        .fetch_all(&mut *journal)
        .await?;
    with_outputs(journal, &rows).await
}

async fn run(journal: &mut PgConnection, owner: &str, id: RunId) -> sqlx::Result<Option<Run>> {
    let select = format!(
        "SELECT {RECORDED}, {RUN} FROM {TABLES}
         WHERE consumer_group = $1 AND run_id = $2 ORDER BY run DESC LIMIT 1"
    );
    let rows = sqlx::query(AssertSqlSafe(select))
        .bind(owner)
        .bind(id.0)
        .fetch_all(&mut *journal)
        .await?;
    Ok(with_outputs(journal, &rows).await?.pop())
}

async fn ledgers(journal: &mut PgConnection, owners: &[String]) -> sqlx::Result<Vec<Ledger>> {
    let rows = sqlx::query(
        "SELECT coalesce(sum(received), 0)::bigint, coalesce(sum(succeeded), 0)::bigint,
                coalesce(sum(dead_lettered), 0)::bigint, coalesce(sum(filtered), 0)::bigint,
                coalesce(sum(dropped), 0)::bigint, coalesce(sum(withdrawn), 0)::bigint,
                coalesce(sum(too_large), 0)::bigint, coalesce(sum(missed), 0)::bigint
         FROM unnest($1::text[]) WITH ORDINALITY AS k(consumer_group, place)
              LEFT JOIN listeners USING (consumer_group) LEFT JOIN counters USING (listener)
         GROUP BY place ORDER BY place",
    )
    .bind(owners)
    .fetch_all(&mut *journal)
    .await?;
    rows.iter().map(ledger).collect()
}

fn ledger(row: &PgRow) -> sqlx::Result<Ledger> {
    let count = |column| {
        let count: i64 = row.try_get(column)?;
        u64::try_from(count).map_err(damaged)
    };
    let mut ledger = Ledger {
        received: count(0)?,
        succeeded: count(1)?,
        dead_lettered: count(2)?,
        filtered: count(3)?,
        dropped: count(4)?,
        in_flight: 0,
        outputs_withdrawn: count(5)?,
        outputs_too_large: count(6)?,
        missed: count(7)?,
    };
    let decided = ledger.succeeded + ledger.dead_lettered + ledger.filtered + ledger.dropped;
    ledger.in_flight = ledger.received.saturating_sub(decided);
    Ok(ledger)
}

/// The runs in `rows`, each with what became of its outputs.
async fn with_outputs(journal: &mut PgConnection, rows: &[PgRow]) -> sqlx::Result<Vec<Run>> {
    let runs = rows
        .iter()
        .map(run_record)
        .collect::<sqlx::Result<Vec<_>>>();
    let mut runs = runs?;
    let with = runs.iter().filter(|run| !run.outputs.is_empty());
    let with: Vec<_> = with.map(|run| run.number).collect();
    for (number, topic, state) in ended_outputs(journal, &with).await? {
        let run = runs.iter_mut().find(|run| run.number == number);
        let outputs = run.into_iter().flat_map(|run| &mut run.outputs);
        for output in outputs.filter(|output| output.topic == topic) {
            output.state = state;
        }
    }
    Ok(runs)
}

/// The outputs of runs that have ended by themselves, and how.
pub(super) async fn ended_outputs(
    journal: &mut PgConnection,
    runs: &[i64],
) -> sqlx::Result<Vec<(i64, TopicId, OutputState)>> {
    if runs.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query("SELECT run, topic, state FROM outputs WHERE run = ANY($1)")
        .bind(runs)
        .fetch_all(journal)
        .await?;
    let ended = rows
        .iter()
        .map(|row| Ok((row.try_get(0)?, text(row, 1)?, text(row, 2)?)));
    ended.collect()
}

/// A list of topics in a column; none where there is no list.
pub(super) fn topics(row: &PgRow, column: usize) -> sqlx::Result<Vec<TopicId>> {
    let list: Option<&str> = row.try_get(column)?;
    let topics = list.unwrap_or_default().lines().map(str::parse);
    topics.collect::<Result<_, _>>().map_err(damaged)
}

/// The decision in the first columns of `row`, without what is to be published.
pub(super) fn recorded(row: &PgRow) -> sqlx::Result<Option<Recorded>> {
    let Some(decision) = parsed(row, 0)? else {
        return Ok(None);
    };
    let (status, digest): (Option<i32>, Option<Vec<u8>>) = (row.try_get(3)?, row.try_get(7)?);
    let draft = Draft {
        decision,
        version: parsed(row, 1)?,
        revision: parsed(row, 2)?.map(Position),
        status: status.and_then(|status| status.try_into().ok()),
        reason: parsed(row, 4)?,
        reason_text: row.try_get(5)?,
        digest: digest.and_then(|digest| digest.try_into().ok()),
        failure: parsed(row, 8)?,
        pending: Pending::Nothing,
    };
    let finished_at = time(row, 6)?;
    Ok(Some(Recorded { draft, finished_at }))
}

fn run_record(row: &PgRow) -> sqlx::Result<Run> {
    const FIRST: usize = RECORDED_COLUMNS;
    let topic: &str = row.try_get(FIRST + 2)?;
    let (partition, offset): (i32, i64) = (row.try_get(FIRST + 3)?, row.try_get(FIRST + 4)?);
    let attempts: i64 = row.try_get(FIRST + 6)?;
    let is_waiting: bool = row.try_get(FIRST + 8)?;
    let state = if is_waiting {
        OutputState::Waiting
    } else {
        OutputState::Published
    };
    let outputs = topics(row, FIRST + 7)?.into_iter();
    Ok(Run {
        number: row.try_get(FIRST)?,
        id: RunId(row.try_get::<Uuid, _>(FIRST + 1)?),
        message: format!("{topic}/{partition}/{offset}"),
        claimed_at: time(row, FIRST + 5)?,
        attempts: u32::try_from(attempts).map_err(damaged)?,
        outputs: outputs.map(|topic| RunOutput { topic, state }).collect(),
        end: recorded(row)?.map(Into::into),
    })
}

/// A column's text, read as what it stands for.
pub(super) fn text<T: FromStr<Err: Error + Send + Sync + 'static>>(
    row: &PgRow,
    column: usize,
) -> sqlx::Result<T> {
    row.try_get::<&str, _>(column)?.parse().map_err(damaged)
}

/// The same where there may be none.
fn parsed<T: FromStr<Err: Error + Send + Sync + 'static>>(
    row: &PgRow,
    column: usize,
) -> sqlx::Result<Option<T>> {
    let text: Option<&str> = row.try_get(column)?;
    text.map(str::parse).transpose().map_err(damaged)
}

fn time(row: &PgRow, column: usize) -> sqlx::Result<Timestamp> {
    Timestamp::from_microsecond(row.try_get(column)?).map_err(damaged)
}

fn damaged(error: impl Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}
