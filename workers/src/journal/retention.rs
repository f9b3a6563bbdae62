//! How long finished runs are kept.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sqlx::sqlite::SqliteConnection;

/// Runs looked at, and so deleted, at once.
const BATCH: i64 = 2000;

/// How long, and how many of, a listener's finished runs are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    pub keep: Duration,
    /// Per listener.
    pub runs: u64,
}

impl Default for Retention {
    /// Seven days and a million runs.
    fn default() -> Self {
        Self {
            keep: Duration::from_secs(7 * 24 * 60 * 60),
            runs: 1_000_000,
        }
    }
}

/// Deletes the oldest runs that are finished, published and beyond `retention`, a batch by age and
/// a batch per listener by number at most; answers how many.
pub(super) async fn prune(
    tx: &mut SqliteConnection,
    retention: Retention,
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    let keep = SignedDuration::try_from(retention.keep).unwrap_or(SignedDuration::MAX);
    let cutoff = now.checked_sub(keep).unwrap_or(Timestamp::MIN);
    // Decisions stand nearly in the order of time: when the oldest are young enough, all are.
    let mut runs: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT listener, run FROM
            (SELECT listener, run, finished_at FROM decisions
             WHERE run NOT IN (SELECT run FROM outbox) ORDER BY run LIMIT ?1)
         WHERE finished_at < ?2",
    )
    .bind(BATCH)
    .bind(cutoff.as_microsecond())
    .fetch_all(&mut *tx)
    .await?;
    if runs.is_empty() {
        runs = too_many(tx, retention.runs).await?;
    }
    delete(tx, &runs).await?;
    Ok(runs.len() as u64)
}

/// The oldest finished runs of one listener that has more than `keep`.
async fn too_many(tx: &mut SqliteConnection, keep: u64) -> Result<Vec<(i64, i64)>, sqlx::Error> {
    sqlx::query_as(
        "WITH crowded AS (
            SELECT listener, succeeded + dead_lettered + filtered + dropped - pruned - ?1 AS beyond
            FROM listeners WHERE beyond > 0 LIMIT 1)
         SELECT listener, run FROM runs JOIN decisions USING (listener, run)
         WHERE listener = (SELECT listener FROM crowded) AND run NOT IN (SELECT run FROM outbox)
         ORDER BY run LIMIT (SELECT min(?2, coalesce(max(beyond), 0)) FROM crowded)",
    )
    .bind(i64::try_from(keep).unwrap_or(i64::MAX))
    .bind(BATCH)
    .fetch_all(&mut *tx)
    .await
}

async fn delete(tx: &mut SqliteConnection, runs: &[(i64, i64)]) -> Result<(), sqlx::Error> {
    if runs.is_empty() {
        return Ok(());
    }
    let json = serde_json::to_string(runs).expect("numbers have a JSON form");
    for statement in [
        "DELETE FROM runs WHERE (listener, run) IN
            (SELECT value ->> 0, value ->> 1 FROM json_each(?1))",
        "DELETE FROM decisions WHERE run IN (SELECT value ->> 1 FROM json_each(?1))",
        "UPDATE listeners SET pruned = pruned + gone.runs
         FROM (SELECT value ->> 0 AS listener, count(*) AS runs FROM json_each(?1) GROUP BY 1) AS gone
         WHERE gone.listener = listeners.listener",
    ] {
        sqlx::query(statement).bind(&json).execute(&mut *tx).await?;
    }
    Ok(())
}
