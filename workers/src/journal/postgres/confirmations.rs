//! How far workers have come.

use domain::worker::LEASE;
use domain::{Position, WorkerId};
use jiff::Timestamp;
use sqlx::PgConnection;

use super::transaction::Batch;
use crate::journal::confirmation::{forgotten_before, read, stored};
use crate::journal::operation::{Confirm, Require};

impl Batch<'_> {
    pub(super) async fn confirm(&mut self, confirm: &Confirm) -> sqlx::Result<Position> {
        // Locked, so that no lease is renewed by what was required before.
        let required: i64 = sqlx::query_scalar("SELECT position FROM required FOR SHARE")
            .fetch_one(&mut *self.tx)
            .await?;
        let Some(confirmed) = confirm.confirmed else {
            sqlx::query("DELETE FROM confirmations WHERE worker = $1")
                .bind(confirm.worker.0)
                .execute(&mut *self.tx)
                .await?;
            return Ok(read(required));
        };
        sqlx::query(
            "INSERT INTO confirmations AS w (worker, applied, ended, confirmed_at)
             VALUES ($1, $2, $3, CASE WHEN $2 >= $5 THEN $4 END)
             ON CONFLICT (worker) DO UPDATE SET
                applied = excluded.applied, ended = excluded.ended,
                confirmed_at = CASE WHEN $2 >= $5 THEN $4 ELSE w.confirmed_at END",
        )
        .bind(confirm.worker.0)
        .bind(stored(confirmed.applied))
        .bind(stored(confirmed.ended))
        .bind(self.now)
        .bind(required)
        .execute(&mut *self.tx)
        .await?;
        Ok(read(required))
    }

    pub(super) async fn require(&mut self, require: &Require) -> sqlx::Result<()> {
        sqlx::query("UPDATE required SET position = $1 WHERE position < $1")
            .bind(stored(require.0))
            .execute(&mut *self.tx)
            .await
            .map(drop)
    }

    /// Forgets workers that were killed long ago.
    pub(super) async fn forget_workers(&mut self) -> sqlx::Result<()> {
        let now = Timestamp::from_microsecond(self.now).unwrap_or(Timestamp::MIN);
        sqlx::query("DELETE FROM confirmations WHERE coalesce(confirmed_at, 0) < $1")
            .bind(forgotten_before(now))
            .execute(&mut *self.tx)
            .await
            .map(drop)
    }
}

/// The workers that have not come so far and whose leases have not ended.
pub(super) async fn unconfirmed(
    journal: &mut PgConnection,
    position: Position,
) -> sqlx::Result<Vec<WorkerId>> {
    let lease = i64::try_from(LEASE.as_micros()).unwrap_or(i64::MAX);
    let workers = sqlx::query_scalar(
        "SELECT worker FROM confirmations
         WHERE ended < $1 AND confirmed_at > (extract(epoch FROM now()) * 1000000)::bigint - $2
         ORDER BY worker",
    )
    .bind(stored(position))
    .bind(lease)
    .fetch_all(journal)
    .await?;
    Ok(workers.into_iter().map(WorkerId).collect())
}
