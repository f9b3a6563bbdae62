//! How long finished runs are kept.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Transaction, params};

use super::batch::{Batch, Operation};
use super::record::DIRECT;

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

/// Deletes the oldest runs that are finished, published, beyond a retention, and cannot come again;
/// answers how many: a batch of one listener at most.
pub(super) struct Prune(pub(super) Retention);

impl Operation for Prune {
    type Answer = u64;

    fn apply(&self, batch: &mut Batch<'_>) -> rusqlite::Result<u64> {
        let Self(Retention { keep, runs: most }) = *self;
        let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
        let cutoff = batch.now.checked_sub(keep).unwrap_or(Timestamp::MIN);
        for listener in listeners(batch.tx)? {
            let mut runs = too_old(batch.tx, &listener, cutoff)?;
            if runs.is_empty() {
                runs = too_many(batch.tx, &listener, most)?;
            }
            if !runs.is_empty() {
                delete(batch.tx, listener.listener, &runs)?;
                return Ok(runs.len() as u64);
            }
        }
        Ok(0)
    }
}

/// What retention knows of a listener.
struct Kept {
    listener: i64,
    /// Nothing of it comes again: its runs are those of direct callers.
    is_direct: bool,
    /// Finished runs that are there.
    finished: i64,
}

fn listeners(tx: &Transaction<'_>) -> rusqlite::Result<Vec<Kept>> {
    tx.prepare_cached(
        "SELECT listener, consumer_group GLOB ?1,
                succeeded + dead_lettered + filtered + dropped - pruned
         FROM listeners",
    )?
    .query_map([format!("{DIRECT}*")], |row| {
        Ok(Kept {
            listener: row.get(0)?,
            is_direct: row.get(1)?,
            finished: row.get(2)?,
        })
    })?
    .collect()
}

/// The oldest runs that may go, those from before `cutoff`.
fn too_old(tx: &Transaction<'_>, listener: &Kept, cutoff: Timestamp) -> rusqlite::Result<Vec<i64>> {
    let oldest = may_go(tx, listener, BATCH)?;
    let cutoff = cutoff.as_microsecond();
    // They are nearly in the order of time: when the oldest are young enough, all are.
    let old = oldest
        .into_iter()
        .filter(|(_, finished_at)| *finished_at < cutoff);
    Ok(old.map(|(run, _)| run).collect())
}

/// The oldest runs that may go, of a listener that has more than `keep`.
fn too_many(tx: &Transaction<'_>, listener: &Kept, keep: u64) -> rusqlite::Result<Vec<i64>> {
    let beyond = listener.finished - i64::try_from(keep).unwrap_or(i64::MAX);
    if beyond <= 0 {
        return Ok(Vec::new());
    }
    let oldest = may_go(tx, listener, beyond.min(BATCH))?;
    Ok(oldest.into_iter().map(|(run, _)| run).collect())
}

/// The oldest finished and published runs whose messages do not come again, with the times at which
/// they were finished: those before the listener's position, without the last, by which the log is
/// known again, and those of a life of the topic that is over.
fn may_go(tx: &Transaction<'_>, listener: &Kept, limit: i64) -> rusqlite::Result<Vec<(i64, i64)>> {
    tx.prepare_cached(
        "SELECT r.run, d.finished_at
         FROM runs AS r JOIN decisions AS d ON d.run = r.run
              LEFT JOIN positions AS p ON p.listener = r.listener AND p.partition = r.partition
         WHERE r.listener = ?1
           AND (?2 OR r.\"offset\" < p.next - 1 OR r.incarnation < p.incarnation)
           AND NOT EXISTS (SELECT 1 FROM outbox AS o WHERE o.run = r.run)
         ORDER BY r.run LIMIT ?3",
    )?
    .query_map(
        params![listener.listener, listener.is_direct, limit],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?
    .collect()
}

fn delete(tx: &Transaction<'_>, listener: i64, runs: &[i64]) -> rusqlite::Result<()> {
    let mut delete_run = tx.prepare_cached("DELETE FROM runs WHERE listener = ?1 AND run = ?2")?;
    let mut delete_decision = tx.prepare_cached("DELETE FROM decisions WHERE run = ?1")?;
    for run in runs {
        delete_run.execute([listener, *run])?;
        delete_decision.execute([run])?;
    }
    let mut count =
        tx.prepare_cached("UPDATE listeners SET pruned = pruned + ?2 WHERE listener = ?1")?;
    let deleted = i64::try_from(runs.len()).unwrap_or(i64::MAX);
    count.execute([listener, deleted]).map(drop)
}
