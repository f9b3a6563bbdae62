//! Deleting finished runs.

use jiff::{SignedDuration, Timestamp};
use sqlx::Row;

use super::transaction::Batch;
use crate::journal::operation::Prune;
use crate::journal::record::{DIRECT, ListenerKey};
use crate::journal::retention::{BATCH, Retention};

/// What retention knows of a listener.
struct Kept {
    listener: ListenerKey,
    /// Nothing of it comes again: its runs are those of direct callers.
    is_direct: bool,
    /// Finished runs that are there.
    finished: i64,
}

impl Batch<'_> {
    pub(super) async fn prune(&mut self, prune: &Prune) -> sqlx::Result<u64> {
        let Prune(Retention { keep, runs: most }) = *prune;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
        let now = Timestamp::from_microsecond(self.now).unwrap_or(Timestamp::MAX);
        let cutoff = now.checked_sub(keep).unwrap_or(Timestamp::MIN);
        for listener in self.listeners().await? {
            let oldest = self.may_go(&listener, BATCH).await?;
            // They are nearly in the order of time: when the oldest are young enough, all are.
            let is_old = |finished_at: i64| finished_at < cutoff.as_microsecond();
            let old = oldest
                .iter()
                .filter(|(_, finished_at)| is_old(*finished_at));
            let mut runs: Vec<_> = old.map(|(run, _)| *run).collect();
            if runs.is_empty() {
                let beyond = usize::try_from(listener.finished - most).unwrap_or(0);
                runs = oldest.iter().take(beyond).map(|(run, _)| *run).collect();
            }
            if !runs.is_empty() {
                return self.delete(listener.listener, &runs).await;
            }
        }
        Ok(0)
    }

    async fn listeners(&mut self) -> sqlx::Result<Vec<Kept>> {
        let rows = sqlx::query(
            "SELECT listener, starts_with(consumer_group, $1),
                    sum(succeeded + dead_lettered + filtered + dropped - pruned)::bigint
             FROM listeners JOIN counters USING (listener)
             GROUP BY listener, consumer_group ORDER BY listener",
        )
        .bind(DIRECT)
        .fetch_all(&mut *self.tx)
        .await?;
        let kept = rows.iter().map(|row| {
            Ok(Kept {
                listener: ListenerKey(row.try_get(0)?),
                is_direct: row.try_get(1)?,
                finished: row.try_get(2)?,
            })
        });
        kept.collect()
    }

    /// The oldest finished and published runs whose messages do not come again, with the times at
    /// which they were finished: those before the listener's position, without the last, by which
    /// the log is known again, and those of a life of the topic that is over.
    async fn may_go(&mut self, listener: &Kept, limit: i64) -> sqlx::Result<Vec<(i64, i64)>> {
        let rows = sqlx::query(
            "SELECT r.run, d.finished_at
             FROM runs AS r JOIN decisions AS d ON d.run = r.run
                  LEFT JOIN positions AS p ON p.listener = r.listener AND p.partition = r.partition
             WHERE r.listener = $1
               AND ($2 OR r.\"offset\" < p.next - 1 OR r.incarnation < p.incarnation)
               AND NOT EXISTS (SELECT 1 FROM outbox AS o WHERE o.run = r.run)
             ORDER BY r.run LIMIT $3",
        )
        .bind(listener.listener.0)
        .bind(listener.is_direct)
        .bind(limit)
        .fetch_all(&mut *self.tx)
        .await?;
        let runs = rows
            .iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
        runs.collect()
    }

    /// Deletes runs; answers how many there were. Another worker may have been faster.
    async fn delete(&mut self, listener: ListenerKey, runs: &[i64]) -> sqlx::Result<u64> {
        for statement in [
            "DELETE FROM outputs WHERE run = ANY($1)",
            "DELETE FROM attempts WHERE run = ANY($1)",
            "DELETE FROM decisions WHERE run = ANY($1)",
        ] {
            sqlx::query(statement)
                .bind(runs)
                .execute(&mut *self.tx)
                .await?;
        }
        let deleted = sqlx::query("DELETE FROM runs WHERE listener = $1 AND run = ANY($2)")
            .bind(listener.0)
            .bind(runs)
            .execute(&mut *self.tx)
            .await?
            .rows_affected();
        self.count_pruned(listener, i64::try_from(deleted).unwrap_or(i64::MAX));
        Ok(deleted)
    }
}
