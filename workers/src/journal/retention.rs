//! How long finished runs are kept.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Row, Transaction, params};

use super::batch::{Batch, Operation};

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

/// Deletes the oldest runs that are finished, published and beyond a retention, a batch by age and
/// a batch per listener by number at most; answers how many.
pub(super) struct Prune(pub(super) Retention);

impl Operation for Prune {
    type Answer = u64;

    fn apply(&self, batch: &mut Batch<'_>) -> rusqlite::Result<u64> {
        let Self(Retention { keep, runs: most }) = *self;
        let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
        let cutoff = batch.now.checked_sub(keep).unwrap_or(Timestamp::MIN);
        let mut runs = too_old(batch.tx, cutoff)?;
        if runs.is_empty() {
            runs = too_many(batch.tx, most)?;
        }
        for (listener, run) in &runs {
            delete(batch.tx, *listener, *run)?;
        }
        Ok(runs.len() as u64)
    }
}

/// The oldest finished runs, those from before `cutoff`, as listener and run.
fn too_old(tx: &Transaction<'_>, cutoff: Timestamp) -> rusqlite::Result<Vec<(i64, i64)>> {
    // Decisions stand nearly in the order of time: when the oldest are young enough, all are.
    tx.prepare_cached(
        "SELECT listener, run FROM
            (SELECT listener, run, finished_at FROM decisions
             WHERE run NOT IN (SELECT run FROM outbox) ORDER BY run LIMIT ?1)
         WHERE finished_at < ?2",
    )?
    .query_map(params![BATCH, cutoff.as_microsecond()], pair)?
    .collect()
}

/// The oldest finished runs of one listener that has more than `keep`.
fn too_many(tx: &Transaction<'_>, keep: u64) -> rusqlite::Result<Vec<(i64, i64)>> {
    let keep = i64::try_from(keep).unwrap_or(i64::MAX);
    tx.prepare_cached(
        "WITH crowded AS (
            SELECT listener, succeeded + dead_lettered + filtered + dropped - pruned - ?1 AS beyond
            FROM listeners WHERE beyond > 0 LIMIT 1)
         SELECT listener, run FROM runs JOIN decisions USING (listener, run)
         WHERE listener = (SELECT listener FROM crowded) AND run NOT IN (SELECT run FROM outbox)
         ORDER BY run LIMIT (SELECT min(?2, coalesce(max(beyond), 0)) FROM crowded)",
    )?
    .query_map(params![keep, BATCH], pair)?
    .collect()
}

fn delete(tx: &Transaction<'_>, listener: i64, run: i64) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM runs WHERE listener = ?1 AND run = ?2")?
        .execute([listener, run])?;
    tx.prepare_cached("DELETE FROM decisions WHERE run = ?1")?
        .execute([run])?;
    tx.prepare_cached("UPDATE listeners SET pruned = pruned + 1 WHERE listener = ?1")?
        .execute([listener])?;
    Ok(())
}

fn pair(row: &Row<'_>) -> rusqlite::Result<(i64, i64)> {
    Ok((row.get(0)?, row.get(1)?))
}
