//! Reads of the journal.

use std::error::Error;

use bytes::Bytes;
use domain::settlement::Decision;
use jiff::Timestamp;
use sqlx::Row;
use sqlx::sqlite::{SqlitePool, SqliteRow};
use uuid::Uuid;

use super::record::{Ledger, Place, Recorded, RunRecord};

/// The most runs that one read answers.
const MAX_LIMIT: u32 = 1000;

pub(super) async fn runs(
    pool: &SqlitePool,
    group: &str,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<RunRecord>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT run, run_id, topic, partition, \"offset\", claimed_at, attempts, decision, version,
                revision, status, reason, reason_text, finished_at, outbox.run IS NULL, content_type,
                NULL
         FROM listeners JOIN runs USING (listener) LEFT JOIN decisions USING (run)
              LEFT JOIN outbox USING (run)
         WHERE consumer_group = ?1 AND run < ?2 ORDER BY run DESC LIMIT ?3",
    )
    .bind(group)
    .bind(before.unwrap_or(i64::MAX))
    .bind(limit.min(MAX_LIMIT))
    .fetch_all(pool)
    .await?;
    rows.iter().map(run_record).collect()
}

pub(super) async fn run(
    pool: &SqlitePool,
    group: &str,
    id: Uuid,
) -> Result<Option<RunRecord>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT run, run_id, topic, partition, \"offset\", claimed_at, attempts, decision, version,
                revision, status, reason, reason_text, finished_at, outbox.run IS NULL, content_type,
                NULL
         FROM listeners JOIN runs USING (listener) LEFT JOIN decisions USING (run)
              LEFT JOIN outbox USING (run)
         WHERE consumer_group = ?1 AND run_id = ?2 ORDER BY run DESC LIMIT 1",
    )
    .bind(group)
    .bind(id.as_bytes().as_slice())
    .fetch_optional(pool)
    .await?;
    row.as_ref().map(run_record).transpose()
}

pub(super) async fn ledger(pool: &SqlitePool, group: &str) -> Result<Ledger, sqlx::Error> {
    let row = sqlx::query(
        "SELECT received, succeeded, dead_lettered, filtered, dropped,
                received - succeeded - dead_lettered - filtered - dropped
         FROM listeners WHERE consumer_group = ?1",
    )
    .bind(group)
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else {
        return Ok(Ledger::default());
    };
    Ok(Ledger {
        received: row.try_get(0)?,
        succeeded: row.try_get(1)?,
        dead_lettered: row.try_get(2)?,
        filtered: row.try_get(3)?,
        dropped: row.try_get(4)?,
        in_flight: row.try_get(5)?,
    })
}

/// The decision in the columns of `row` from `first` on: decision, version, revision, status,
/// reason, reason text, finished at, published, content type, result.
pub(super) fn recorded(row: &SqliteRow, first: usize) -> Result<Option<Recorded>, sqlx::Error> {
    let Some(code) = row.try_get::<Option<&str>, _>(first)? else {
        return Ok(None);
    };
    let result: Option<Vec<u8>> = row.try_get(first + 9)?;
    Ok(Some(Recorded {
        decision: decision(code)?,
        version: row.try_get(first + 1)?,
        revision: row.try_get(first + 2)?,
        status: row.try_get(first + 3)?,
        reason: row.try_get(first + 4)?,
        reason_text: row.try_get(first + 5)?,
        finished_at: time(row.try_get(first + 6)?)?,
        published: row.try_get(first + 7)?,
        content_type: row.try_get(first + 8)?,
        result: result.map(Bytes::from),
    }))
}

fn run_record(row: &SqliteRow) -> Result<RunRecord, sqlx::Error> {
    Ok(RunRecord {
        number: row.try_get(0)?,
        run_id: Uuid::from_slice(row.try_get(1)?).map_err(damaged)?,
        topic: row.try_get(2)?,
        place: Place {
            partition: row.try_get(3)?,
            offset: row.try_get(4)?,
        },
        claimed_at: time(row.try_get(5)?)?,
        attempts: row.try_get(6)?,
        decision: recorded(row, 7)?,
    })
}

fn decision(code: &str) -> Result<Decision, sqlx::Error> {
    [
        Decision::Succeeded,
        Decision::DeadLettered,
        Decision::Filtered,
        Decision::Dropped,
    ]
    .into_iter()
    .find(|decision| decision.as_str() == code)
    .ok_or_else(|| damaged(format!("no decision is called {code:?}")))
}

fn time(microseconds: i64) -> Result<Timestamp, sqlx::Error> {
    Timestamp::from_microsecond(microseconds).map_err(damaged)
}

fn damaged(error: impl Into<Box<dyn Error + Send + Sync>>) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}
