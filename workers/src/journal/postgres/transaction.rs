//! One write transaction.

use std::collections::BTreeMap;

use domain::WorkerId;
use domain::settlement::Decision;
use sqlx::PgConnection;

use super::Memory;
use crate::journal::HOLD;
use crate::journal::counts::Counts;
use crate::journal::decision::OutputEnd;
use crate::journal::operation::TakeOver;
use crate::journal::record::ListenerKey;

/// A write transaction under way.
pub(super) struct Batch<'t> {
    pub(super) tx: &'t mut PgConnection,
    /// Of the database, in microseconds since 1970.
    pub(super) now: i64,
    pub(super) worker: WorkerId,
    pub(super) memory: &'t Memory,
    counters: BTreeMap<ListenerKey, Counts>,
}

impl<'t> Batch<'t> {
    /// A transaction, and the epoch that the worker's part of the journal is in until its end.
    pub(super) async fn begin(
        tx: &'t mut PgConnection,
        worker: WorkerId,
        memory: &'t Memory,
    ) -> sqlx::Result<(Self, Option<i64>)> {
        let (now, epoch) = sqlx::query_as(
            "SELECT (extract(epoch FROM now()) * 1000000)::bigint,
                    (SELECT epoch FROM workers WHERE worker = $1 FOR SHARE)",
        )
        .bind(worker.0)
        .fetch_one(&mut *tx)
        .await?;
        let batch = Self {
            tx,
            now,
            worker,
            memory,
            counters: BTreeMap::new(),
        };
        Ok((batch, epoch))
    }

    /// Only a later epoch is written.
    pub(super) async fn take_over(&mut self, take: &TakeOver) -> sqlx::Result<bool> {
        let written = sqlx::query(
            "INSERT INTO workers AS w (worker, epoch) VALUES ($1, $2)
             ON CONFLICT (worker) DO UPDATE SET epoch = excluded.epoch
             WHERE w.epoch < excluded.epoch",
        )
        .bind(take.worker.0)
        .bind(super::stored(take.epoch))
        .execute(&mut *self.tx)
        .await?;
        Ok(written.rows_affected() > 0)
    }

    /// The end of a hold that begins now.
    pub(super) fn held_until(&self) -> i64 {
        let hold = i64::try_from(HOLD.as_micros()).unwrap_or(i64::MAX);
        self.now.saturating_add(hold)
    }

    pub(super) fn count_received(&mut self, listener: ListenerKey) {
        self.counters.entry(listener).or_default().received += 1;
    }

    pub(super) fn count_decided(&mut self, listener: ListenerKey, decision: Decision) {
        self.counters.entry(listener).or_default().decided(decision);
    }

    pub(super) fn count_output(&mut self, listener: ListenerKey, end: OutputEnd) {
        self.counters.entry(listener).or_default().output(end);
    }

    /// Messages that were deleted before they were read.
    pub(super) fn count_missed(&mut self, listener: ListenerKey, messages: i64) {
        if messages > 0 {
            self.counters.entry(listener).or_default().missed += messages;
        }
    }

    pub(super) fn count_pruned(&mut self, listener: ListenerKey, runs: i64) {
        self.counters.entry(listener).or_default().pruned += runs;
    }

    /// Writes the counters, and ends.
    pub(super) async fn finish(self) -> sqlx::Result<()> {
        if self.counters.is_empty() {
            return Ok(());
        }
        let column =
            |of: fn(&Counts) -> i64| -> Vec<i64> { self.counters.values().map(of).collect() };
        let listeners: Vec<_> = self.counters.keys().map(|key| key.0).collect();
        sqlx::query(
            "INSERT INTO counters AS c (listener, worker, received, succeeded, dead_lettered,
                                        filtered, dropped, withdrawn, too_large, pruned, missed)
             SELECT n.listener, $1, n.received, n.succeeded, n.dead_lettered, n.filtered, n.dropped,
                    n.withdrawn, n.too_large, n.pruned, n.missed
             FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
                         $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[])
                  AS n(listener, received, succeeded, dead_lettered, filtered, dropped, withdrawn,
                       too_large, pruned, missed)
             ON CONFLICT (listener, worker) DO UPDATE SET
                received = c.received + excluded.received,
                succeeded = c.succeeded + excluded.succeeded,
                dead_lettered = c.dead_lettered + excluded.dead_lettered,
                filtered = c.filtered + excluded.filtered,
                dropped = c.dropped + excluded.dropped,
                withdrawn = c.withdrawn + excluded.withdrawn,
                too_large = c.too_large + excluded.too_large,
                pruned = c.pruned + excluded.pruned,
                missed = c.missed + excluded.missed",
        )
        .bind(self.worker.0)
        .bind(listeners)
        .bind(column(|counts| counts.received))
        .bind(column(|counts| counts.succeeded))
        .bind(column(|counts| counts.dead_lettered))
        .bind(column(|counts| counts.filtered))
        .bind(column(|counts| counts.dropped))
        .bind(column(|counts| counts.withdrawn))
        .bind(column(|counts| counts.too_large))
        .bind(column(|counts| counts.pruned))
        .bind(column(|counts| counts.missed))
        .execute(&mut *self.tx)
        .await
        .map(drop)
    }
}
