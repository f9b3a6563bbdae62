//! The outbox: what is decided and not known to be published.

use domain::settlement::{Decision, Reason};
use domain::{RunId, WorkerId};
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::transaction::Batch;
use super::{decisions, reads};
use crate::journal::decision::{OutputEnd, Pending, Unpublished};
use crate::journal::operation::{CleanUp, EndOutput, Hold, TakeUnpublished};
use crate::journal::record::{DIRECT, ListenerKey, RunKey};
use crate::journal::{INTERRUPTED, MOST_TAKEN_BYTES, interrupted_fingerprint};

impl Batch<'_> {
    pub(super) async fn published(&mut self, runs: &[i64]) -> sqlx::Result<()> {
        if runs.is_empty() {
            return Ok(());
        }
        sqlx::query("DELETE FROM outbox WHERE run = ANY($1)")
            .bind(runs)
            .execute(&mut *self.tx)
            .await
            .map(drop)
    }

    pub(super) async fn end_outputs(&mut self, ended: &[&EndOutput]) -> sqlx::Result<()> {
        for EndOutput { run, topic, end } in ended {
            let inserted = sqlx::query(
                "INSERT INTO outputs (run, topic, state) VALUES ($1, $2, $3)
                 ON CONFLICT DO NOTHING",
            )
            .bind(run.run)
            .bind(topic.to_string())
            .bind(end.as_str())
            .execute(&mut *self.tx)
            .await?;
            if inserted.rows_affected() > 0 && *end != OutputEnd::Published {
                self.count_output(run.listener, *end);
            }
        }
        Ok(())
    }

    pub(super) async fn holds(&mut self, holds: &[&Hold]) -> sqlx::Result<()> {
        if holds.is_empty() {
            return Ok(());
        }
        let held_until = self.held_until();
        let until = |hold: &&Hold| if hold.holds { held_until } else { 0 };
        sqlx::query(
            "UPDATE outbox SET held_until = k.held_until, worker = $1
             FROM unnest($2::bigint[], $3::bigint[]) AS k(run, held_until)
             WHERE outbox.run = k.run",
        )
        .bind(self.worker.0)
        .bind(holds.iter().map(|hold| hold.run.run).collect::<Vec<_>>())
        .bind(holds.iter().map(until).collect::<Vec<_>>())
        .execute(&mut *self.tx)
        .await
        .map(drop)
    }

    pub(super) async fn take_unpublished(
        &mut self,
        take: &TakeUnpublished,
    ) -> sqlx::Result<Vec<Unpublished>> {
        // Those that another worker is about to take are its own.
        let rows = sqlx::query(
            "SELECT d.listener, o.run, r.run_id, l.algorithm, l.consumer_group, d.version,
                    length(o.result)
             FROM outbox AS o JOIN decisions AS d USING (run) JOIN listeners AS l USING (listener)
                  JOIN runs AS r ON r.listener = d.listener AND r.run = o.run
             WHERE o.run > $1 AND o.held_until <= $2 AND o.result IS NOT NULL
             ORDER BY o.run LIMIT $3 FOR UPDATE OF o SKIP LOCKED",
        )
        .bind(take.after)
        .bind(self.now)
        .bind(i64::from(take.limit))
        .fetch_all(&mut *self.tx)
        .await?;
        let mut bytes = 0;
        let mut fitting = Vec::new();
        for row in &rows {
            bytes += usize::try_from(row.try_get::<i32, _>(6)?).unwrap_or(usize::MAX);
            if !fitting.is_empty() && bytes > MOST_TAKEN_BYTES {
                break;
            }
            fitting.push(row);
        }
        let runs = fitting.iter().map(|row| row.try_get(1));
        let runs = runs.collect::<sqlx::Result<Vec<i64>>>()?;
        let mut recorded = decisions::recorded(self.tx, &runs).await?;
        let mut taken = Vec::new();
        for (row, run) in fitting.into_iter().zip(&runs) {
            let pending = recorded.remove(run).map(|recorded| recorded.draft.pending);
            if let Some(Pending::Result(publication)) = pending {
                let owner: String = row.try_get(4)?;
                taken.push(Unpublished {
                    run: run_key(row)?,
                    run_id: RunId(row.try_get::<Uuid, _>(2)?),
                    algorithm: reads::text(row, 3)?,
                    listener: owner.parse().ok(),
                    version: reads::text(row, 5)?,
                    publication,
                });
            }
        }
        let holds: Vec<_> = taken
            .iter()
            .map(|taken| Hold {
                run: taken.run,
                holds: true,
            })
            .collect();
        self.holds(&holds.iter().collect::<Vec<_>>()).await?;
        Ok(taken)
    }

    pub(super) async fn recover(&mut self) -> sqlx::Result<u64> {
        self.end_direct_runs_of(self.worker).await
    }

    pub(super) async fn clean_up(&mut self, clean_up: &CleanUp) -> sqlx::Result<Option<u64>> {
        let gone = clean_up.after;
        // It may have come back while this process slept.
        let ended = sqlx::query("DELETE FROM workers WHERE worker = $1 AND epoch = $2")
            .bind(gone.0)
            .bind(super::stored(clean_up.epoch))
            .execute(&mut *self.tx)
            .await?;
        if ended.rows_affected() == 0 {
            return Ok(None);
        }
        self.end_direct_runs_of(gone).await.map(Some)
    }

    /// Frees the direct results that a worker holds, and decides the direct runs that it had under way.
    /// Results of messages come again with their messages, in the order of their lanes.
    async fn end_direct_runs_of(&mut self, worker: WorkerId) -> sqlx::Result<u64> {
        sqlx::query(
            "UPDATE outbox SET held_until = 0
             FROM decisions JOIN listeners USING (listener)
             WHERE decisions.run = outbox.run AND outbox.worker = $1
               AND starts_with(consumer_group, $2)",
        )
        .bind(worker.0)
        .bind(DIRECT)
        .execute(&mut *self.tx)
        .await?;
        let interrupted = sqlx::query(
            // Only where the counters say that there are any: finished runs may be a million.
            "INSERT INTO decisions (run, listener, decision, reason, reason_text, finished_at,
                                    failure)
             SELECT r.run, r.listener, $3, $4, $5, $6, $7
             FROM (SELECT l.listener FROM listeners AS l JOIN counters AS c USING (listener)
                   WHERE starts_with(l.consumer_group, $2) GROUP BY l.listener
                   HAVING sum(received) > sum(succeeded + dead_lettered + filtered + dropped)) AS l
                  JOIN runs AS r USING (listener) LEFT JOIN decisions AS d ON d.run = r.run
             WHERE r.worker = $1 AND d.run IS NULL
             ON CONFLICT (run) DO NOTHING
             RETURNING listener, run",
        )
        .bind(worker.0)
        .bind(DIRECT)
        .bind(Decision::Dropped.as_str())
        .bind(Reason::Interrupted.as_str())
        .bind(INTERRUPTED)
        .bind(self.now)
        .bind(interrupted_fingerprint().to_string())
        .fetch_all(&mut *self.tx)
        .await?;
        for row in &interrupted {
            self.count_decided(run_key(row)?.listener, Decision::Dropped);
        }
        Ok(interrupted.len() as u64)
    }
}

fn run_key(row: &PgRow) -> sqlx::Result<RunKey> {
    Ok(RunKey {
        listener: ListenerKey(row.try_get(0)?),
        run: row.try_get(1)?,
    })
}
