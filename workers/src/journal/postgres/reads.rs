//! Reads of the journal.

use std::error::Error;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::consumer::ConsumerStatus;
use domain::lease::Epoch;
use domain::run::{Attempt, Ledger, OutputState, RunList, RunPage};
use domain::sample::KeptSample;
use domain::series::{Measured, Span};
use domain::{Position, TopicId, WorkerId};
use jiff::Timestamp;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::{PgConnection, PgPool, Row};
use uuid::Uuid;

use super::attempts::attempts;
use super::confirmations::unconfirmed;
use super::consumers::consumers;
use super::samples::samples;
use super::search::page_of;
use super::series::measured;
use crate::journal::decision::{DEAD_LETTERED, Draft, Pending, Recorded};
use crate::journal::search::share;
use crate::journal::store::{ReadError, Reads};

/// Connections for reads, and how long one is waited for.
const READERS: u32 = 4;
const PATIENCE: Duration = Duration::from_secs(10);

/// The columns of a decision.
pub(super) const RECORDED: &str = "decision, version, revision, status, reason, reason_text, \
     finished_at, decisions.digest, failure";
pub(super) const RECORDED_COLUMNS: usize = 9;

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
    async fn pages(&self, pages: Vec<RunPage>) -> Result<Vec<RunList>, ReadError> {
        let mut connection = self.0.acquire().await.map_err(failed)?;
        let most = share(pages.len());
        let mut read = Vec::with_capacity(pages.len());
        for page in &pages {
            let found = page_of(&mut connection, page, most).await;
            read.push(found.map_err(failed)?);
        }
        Ok(read)
    }

    async fn attempts(&self, runs: Vec<i64>) -> Result<Vec<Vec<Attempt>>, ReadError> {
        let mut connection = self.0.acquire().await.map_err(failed)?;
        attempts(&mut connection, &runs).await.map_err(failed)
    }

    async fn ledgers(&self, owners: Vec<String>) -> Result<Vec<Ledger>, ReadError> {
        let mut connection = self.0.acquire().await.map_err(failed)?;
        ledgers(&mut connection, &owners).await.map_err(failed)
    }

    async fn samples(&self, runs: Vec<(Uuid, i64)>) -> Result<Vec<Option<KeptSample>>, ReadError> {
        let mut connection = self.0.acquire().await.map_err(failed)?;
        samples(&mut connection, &runs).await.map_err(failed)
    }

    async fn series(
        &self,
        spans: Vec<(Uuid, Span)>,
    ) -> Result<Vec<Vec<(i64, Measured)>>, ReadError> {
        let mut connection = self.0.acquire().await.map_err(failed)?;
        let mut read = Vec::with_capacity(spans.len());
        for (group, span) in &spans {
            let found = measured(&mut connection, *group, span).await;
            read.push(found.map_err(failed)?);
        }
        Ok(read)
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

/// The outputs of runs that have ended by themselves, and how.
pub(super) async fn ended_outputs(
    journal: &mut PgConnection,
    runs: &[i64],
) -> sqlx::Result<Vec<(i64, TopicId, OutputState)>> {
    if runs.is_empty() {
        return Ok(Vec::new());
    }
    let select = "SELECT run, topic, state FROM outputs WHERE run = ANY($1) AND state <> $2";
    let rows = sqlx::query(select)
        .bind(runs)
        .bind(DEAD_LETTERED)
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
        call: None,
        pending: Pending::Nothing,
    };
    let finished_at = time(row, 6)?;
    Ok(Some(Recorded { draft, finished_at }))
}

/// A column's text, read as what it stands for.
pub(super) fn text<T: FromStr<Err: Error + Send + Sync + 'static>>(
    row: &PgRow,
    column: usize,
) -> sqlx::Result<T> {
    row.try_get::<&str, _>(column)?.parse().map_err(damaged)
}

/// The same where there may be none.
pub(super) fn parsed<T: FromStr<Err: Error + Send + Sync + 'static>>(
    row: &PgRow,
    column: usize,
) -> sqlx::Result<Option<T>> {
    let text: Option<&str> = row.try_get(column)?;
    text.map(str::parse).transpose().map_err(damaged)
}

pub(super) fn time(row: &PgRow, column: usize) -> sqlx::Result<Timestamp> {
    Timestamp::from_microsecond(row.try_get(column)?).map_err(damaged)
}

pub(super) fn damaged(error: impl Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}
