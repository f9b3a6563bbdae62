//! Deleting finished runs.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Transaction, params};

use super::batch::Batch;
use crate::journal::operation::Prune;
use crate::journal::record::{DIRECT, ListenerKey};
use crate::journal::retention::{BATCH, Retention};

impl Batch<'_> {
    pub(super) fn prune(&mut self, prune: &Prune) -> rusqlite::Result<u64> {
        self.empty_outbox()?;
        let Prune(Retention { keep, runs: most }) = *prune;
        let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
        let cutoff = self.now.checked_sub(keep).unwrap_or(Timestamp::MIN);
        for listener in listeners(self.tx)? {
            let mut runs = too_old(self.tx, &listener, cutoff)?;
            if runs.is_empty() {
                runs = too_many(self.tx, &listener, most)?;
            }
            if !runs.is_empty() {
                delete(self.tx, listener.listener, &runs)?;
                let deleted = i64::try_from(runs.len()).unwrap_or(i64::MAX);
                let last = runs.last().copied().unwrap_or_default();
                self.memory.perhaps_deleted = self.memory.perhaps_deleted.max(last);
                self.count_pruned(ListenerKey(listener.listener), deleted);
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
    let mut delete_outputs = tx.prepare_cached("DELETE FROM outputs WHERE run = ?1")?;
    let mut delete_attempts = tx.prepare_cached("DELETE FROM attempts WHERE run = ?1")?;
    for run in runs {
        delete_run.execute([listener, *run])?;
        delete_decision.execute([run])?;
        delete_outputs.execute([run])?;
        delete_attempts.execute([run])?;
    }
    Ok(())
}
