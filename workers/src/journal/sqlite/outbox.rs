//! The outbox: what is decided and not known to be published.

use domain::settlement::{Decision, Reason};
use domain::{RunId, Version};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::batch::Batch;
use super::reads;
use crate::journal::decision::{Pending, Unpublished};
use crate::journal::operation::{EndOutput, Hold, Published, TakeUnpublished};
use crate::journal::record::{DIRECT, ListenerKey, RunKey};
use crate::journal::{INTERRUPTED, MOST_TAKEN_BYTES, interrupted_fingerprint};

impl Batch<'_> {
    /// The run leaves the outbox before anything reads it, at the latest with the batch.
    pub(super) fn published(&mut self, published: &Published) {
        self.published.push(published.0.run);
    }

    /// Takes the runs that are published out of the outbox: those with numbers in a row together, as
    /// most of a batch are, which costs a fraction of as many statements.
    pub(super) fn empty_outbox(&mut self) -> rusqlite::Result<()> {
        if self.published.is_empty() {
            return Ok(());
        }
        let mut published = std::mem::take(&mut self.published);
        published.sort_unstable();
        let mut delete = self
            .tx
            .prepare_cached("DELETE FROM outbox WHERE run BETWEEN ?1 AND ?2")?;
        for row in published.chunk_by(|one, next| next - one <= 1) {
            delete.execute([row.first(), row.last()])?;
        }
        Ok(())
    }

    pub(super) fn end_output(&mut self, ended: &EndOutput) -> rusqlite::Result<()> {
        let EndOutput { run, topic, end } = ended;
        let inserted = self
            .tx
            .prepare_cached(
                "INSERT INTO outputs (run, topic, state) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            )?
            .execute(params![run.run, topic.to_string(), end.as_str()])?;
        if inserted > 0 {
            self.count_output(run.listener, *end);
        }
        Ok(())
    }

    pub(super) fn hold(&mut self, hold: &Hold) -> rusqlite::Result<()> {
        let until = if hold.holds { self.held_until() } else { 0 };
        self.tx
            .prepare_cached("UPDATE outbox SET held_until = ?2 WHERE run = ?1")?
            .execute([hold.run.run, until])
            .map(drop)
    }

    pub(super) fn take_unpublished(
        &mut self,
        take: &TakeUnpublished,
    ) -> rusqlite::Result<Vec<Unpublished>> {
        self.empty_outbox()?;
        let free = free(self.tx, take, self.now.as_microsecond())?;
        let mut taken = Vec::new();
        let mut bytes = 0;
        for (unpublished, size) in free {
            bytes += size;
            if !taken.is_empty() && bytes > MOST_TAKEN_BYTES {
                break;
            }
            let run = unpublished.run;
            let recorded = self.recorded(run)?;
            let pending = recorded.map(|recorded| recorded.draft.pending);
            if let Some(Pending::Result(publication)) = pending {
                self.hold(&Hold { run, holds: true })?;
                taken.push(Unpublished {
                    run,
                    run_id: unpublished.run_id,
                    algorithm: unpublished.algorithm,
                    listener: unpublished.listener,
                    version: unpublished.version,
                    publication,
                });
            }
        }
        Ok(taken)
    }

    pub(super) fn recover(&mut self) -> rusqlite::Result<u64> {
        self.empty_outbox()?;
        self.tx.execute(
            "UPDATE outbox SET held_until = 0 WHERE run IN
                (SELECT run FROM outbox JOIN decisions USING (run) JOIN listeners USING (listener)
                 WHERE consumer_group GLOB ?1)",
            [format!("{DIRECT}*")],
        )?;
        let interrupted = undecided(self.tx)?;
        let mut decide = self.tx.prepare_cached(
            "INSERT INTO decisions (run, listener, decision, reason, reason_text, finished_at, failure)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        for run in &interrupted {
            decide.execute(params![
                run.run,
                run.listener.0,
                Decision::Dropped.as_str(),
                Reason::Interrupted.as_str(),
                INTERRUPTED,
                self.now.as_microsecond(),
                interrupted_fingerprint().to_string(),
            ])?;
        }
        for run in &interrupted {
            self.count_decided(run.listener, Decision::Dropped);
        }
        Ok(interrupted.len() as u64)
    }
}

/// A result in the outbox without its bytes.
struct Free {
    run: RunKey,
    run_id: RunId,
    algorithm: domain::AlgorithmId,
    listener: Option<Uuid>,
    version: Version,
}

/// Results that nobody holds, with their sizes in bytes, the oldest first.
fn free(
    journal: &Connection,
    take: &TakeUnpublished,
    now: i64,
) -> rusqlite::Result<Vec<(Free, usize)>> {
    let mut statement = journal.prepare_cached(
        "SELECT decisions.listener, outbox.run, run_id, algorithm, consumer_group, version,
                length(result)
         FROM outbox JOIN decisions USING (run) JOIN listeners USING (listener)
              JOIN runs ON runs.listener = decisions.listener AND runs.run = outbox.run
         WHERE outbox.run > ?1 AND held_until <= ?2 AND result IS NOT NULL
         ORDER BY outbox.run LIMIT ?3",
    )?;
    let rows = statement.query_map(params![take.after, now, take.limit], |row| {
        let free = Free {
            run: run_key(row)?,
            run_id: RunId(Uuid::from_bytes(row.get(2)?)),
            algorithm: reads::text(row, 3)?,
            listener: row.get_ref(4)?.as_str()?.parse().ok(),
            version: reads::text(row, 5)?,
        };
        Ok((free, row.get(6)?))
    })?;
    rows.collect()
}

/// Direct runs without a decision.
fn undecided(journal: &Connection) -> rusqlite::Result<Vec<RunKey>> {
    // Only where the counters say that there are any: finished runs may be a million.
    let mut statement = journal.prepare(
        "SELECT runs.listener, run FROM listeners JOIN runs USING (listener)
              LEFT JOIN decisions USING (run)
         WHERE consumer_group GLOB ?1 AND decisions.run IS NULL
           AND received > succeeded + dead_lettered + filtered + dropped",
    )?;
    let rows = statement.query_map([format!("{DIRECT}*")], run_key)?;
    rows.collect()
}

fn run_key(row: &Row<'_>) -> rusqlite::Result<RunKey> {
    Ok(RunKey {
        listener: ListenerKey(row.get(0)?),
        run: row.get(1)?,
    })
}
