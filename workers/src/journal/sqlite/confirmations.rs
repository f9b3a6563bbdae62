//! How far workers have come.

use domain::{Position, WorkerId};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::batch::Batch;
use crate::journal::confirmation::{ended_before, forgotten_before, read, stored};
use crate::journal::operation::{Confirm, Require};

impl Batch<'_> {
    pub(super) fn confirm(&mut self, confirm: &Confirm) -> rusqlite::Result<Position> {
        let worker = confirm.worker.0.as_bytes();
        let mut select = self.tx.prepare_cached("SELECT position FROM required")?;
        let required: i64 = select.query_row((), |row| row.get(0))?;
        let Some(confirmed) = confirm.confirmed else {
            let mut delete = self
                .tx
                .prepare_cached("DELETE FROM confirmations WHERE worker = ?1")?;
            delete.execute([worker])?;
            return Ok(read(required));
        };
        let mut upsert = self.tx.prepare_cached(
            "INSERT INTO confirmations (worker, applied, ended, confirmed_at)
             VALUES (?1, ?2, ?3, CASE WHEN ?2 >= ?5 THEN ?4 END)
             ON CONFLICT (worker) DO UPDATE SET
                applied = excluded.applied, ended = excluded.ended,
                confirmed_at = CASE WHEN ?2 >= ?5 THEN ?4 ELSE confirmed_at END",
        )?;
        upsert.execute(params![
            worker,
            stored(confirmed.applied),
            stored(confirmed.ended),
            self.now.as_microsecond(),
            required
        ])?;
        Ok(read(required))
    }

    pub(super) fn require(&mut self, require: &Require) -> rusqlite::Result<()> {
        let mut update = self
            .tx
            .prepare_cached("UPDATE required SET position = ?1 WHERE position < ?1")?;
        update.execute([stored(require.0)]).map(drop)
    }

    /// Forgets workers that were killed long ago.
    pub(super) fn forget_workers(&mut self) -> rusqlite::Result<()> {
        let mut delete = self
            .tx
            .prepare_cached("DELETE FROM confirmations WHERE coalesce(confirmed_at, 0) < ?1")?;
        delete.execute([forgotten_before(self.now)]).map(drop)
    }
}

/// The workers that have not come so far and whose leases have not ended at `now`.
pub(super) fn unconfirmed(
    journal: &Connection,
    position: Position,
    now: Timestamp,
) -> rusqlite::Result<Vec<WorkerId>> {
    let mut select = journal.prepare(
        "SELECT worker FROM confirmations WHERE ended < ?1 AND confirmed_at > ?2 ORDER BY worker",
    )?;
    let rows = select.query_map([stored(position), ended_before(now)], |row| {
        Ok(WorkerId(Uuid::from_bytes(row.get(0)?)))
    })?;
    rows.collect()
}
