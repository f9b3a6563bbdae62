//! What workers say of their consumers.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::batch::Batch;
use super::reads::damaged;
use crate::journal::observation::{Row, forgotten_before};
use crate::journal::operation::Observe;
use domain::consumer::ConsumerStatus;

impl Batch<'_> {
    pub(super) fn observe(&mut self, observe: &Observe) -> rusqlite::Result<()> {
        let now = self.now.as_microsecond();
        let mut delete = self
            .tx
            .prepare_cached("DELETE FROM consumers WHERE consumer_group = ?1 AND worker = ?2")?;
        let mut upsert = self.tx.prepare_cached(
            "INSERT INTO consumers (consumer_group, worker, state, reason, since, partitions,
                                    messages, oldest_at, measured_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (consumer_group, worker) DO UPDATE SET
                since = CASE WHEN state = excluded.state THEN since ELSE excluded.since END,
                state = excluded.state, reason = excluded.reason,
                partitions = excluded.partitions, messages = excluded.messages,
                oldest_at = excluded.oldest_at, measured_at = excluded.measured_at,
                updated_at = excluded.updated_at",
        )?;
        for observation in &observe.consumers {
            let group = observation.group.to_string();
            let Some(observed) = &observation.observed else {
                delete.execute(params![group, observe.worker.0.as_bytes()])?;
                continue;
            };
            let row = Row::of(observe.worker, observed, now);
            upsert.execute(params![
                group,
                row.worker.as_bytes(),
                row.state,
                row.reason,
                row.since,
                row.partitions,
                row.messages,
                row.oldest_at,
                row.measured_at,
                row.updated_at
            ])?;
        }
        Ok(())
    }

    /// Forgets what workers said that are gone.
    pub(super) fn forget(&mut self) -> rusqlite::Result<()> {
        let before = forgotten_before(self.now);
        let mut delete = self
            .tx
            .prepare_cached("DELETE FROM consumers WHERE updated_at < ?1")?;
        delete.execute([before]).map(drop)
    }
}

/// What the consumers of a listener are doing at `now`.
pub(super) fn consumers(
    journal: &Connection,
    group: Uuid,
    now: Timestamp,
) -> rusqlite::Result<Vec<ConsumerStatus>> {
    let mut select = journal.prepare_cached(
        "SELECT worker, state, reason, since, partitions, messages, oldest_at, measured_at,
                updated_at
         FROM consumers WHERE consumer_group = ?1 ORDER BY worker",
    )?;
    let rows = select.query_map([group.to_string()], |row| {
        let row = Row {
            worker: Uuid::from_bytes(row.get(0)?),
            state: row.get(1)?,
            reason: row.get(2)?,
            since: row.get(3)?,
            partitions: row.get(4)?,
            messages: row.get(5)?,
            oldest_at: row.get(6)?,
            measured_at: row.get(7)?,
            updated_at: row.get(8)?,
        };
        row.read(now).map_err(|error| damaged(1, error))
    })?;
    rows.collect()
}
