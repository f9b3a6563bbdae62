//! Samples of runs.

use std::collections::BTreeSet;

use domain::run::Owner;
use domain::sample::KeptSample;
use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::decisions::storable;
use super::reads::text;
use super::transaction::Batch;
use crate::journal::sampling::{DAYS, Keep, SampleRow, day};

impl Batch<'_> {
    /// Keeps those samples that there is room for. The rows of their listeners are locked in order,
    /// so that two workers neither wait for one another nor count on each other's room.
    pub(super) async fn keep(&mut self, keeps: &[&Keep]) -> sqlx::Result<()> {
        if keeps.is_empty() {
            return Ok(());
        }
        let listeners: BTreeSet<_> = keeps.iter().map(|keep| keep.run.listener.0).collect();
        for listener in listeners {
            sqlx::query("SELECT 1 FROM listeners WHERE listener = $1 FOR NO KEY UPDATE")
                .bind(listener)
                .execute(&mut *self.tx)
                .await?;
            for keep in keeps.iter().filter(|keep| keep.run.listener.0 == listener) {
                self.keep_one(keep).await?;
            }
        }
        Ok(())
    }

    async fn keep_one(&mut self, keep: &Keep) -> sqlx::Result<()> {
        let Keep {
            run,
            row,
            most_bytes,
        } = keep;
        let (listener, day) = (run.listener.0, day(self.now));
        let [message, request, answer] = &row.bodies;
        let inserted = sqlx::query(
            "INSERT INTO samples (run, listener, day, stratum, rank, bytes, sampled_at, about, key,
                                  message, request, answer)
             SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12
             WHERE NOT EXISTS (SELECT 1 FROM strata
                               WHERE listener = $2 AND day = $3 AND stratum = $4 AND below <= $5)
             ON CONFLICT (run) DO NOTHING",
        )
        .bind(run.run)
        .bind(listener)
        .bind(day)
        .bind(&row.stratum)
        .bind(row.rank)
        .bind(row.size())
        .bind(self.now)
        .bind(storable(&row.about))
        .bind(&row.key)
        .bind(message)
        .bind(request)
        .bind(answer)
        .execute(&mut *self.tx)
        .await?;
        if inserted.rows_affected() == 0 {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO strata AS t (listener, day, stratum, bytes) VALUES ($1, $2, $3, $4)
             ON CONFLICT (listener, day, stratum) DO UPDATE SET bytes = t.bytes + excluded.bytes",
        )
        .bind(listener)
        .bind(day)
        .bind(&row.stratum)
        .bind(row.size())
        .execute(&mut *self.tx)
        .await?;
        self.make_room(listener, *most_bytes).await
    }

    /// Deletes samples until no more than so many bytes of a listener are left: of the stratum that
    /// takes the most, the one with the highest rank.
    async fn make_room(&mut self, listener: i64, most_bytes: i64) -> sqlx::Result<()> {
        loop {
            let total: i64 = sqlx::query_scalar(
                "SELECT coalesce(sum(bytes), 0)::bigint FROM strata WHERE listener = $1",
            )
            .bind(listener)
            .fetch_one(&mut *self.tx)
            .await?;
            if total <= most_bytes {
                return Ok(());
            }
            let evicted = sqlx::query(
                "WITH largest AS (
                    SELECT listener, day, stratum FROM strata WHERE listener = $1
                    ORDER BY bytes DESC, day, stratum LIMIT 1
                 ), evicted AS (
                    DELETE FROM samples WHERE run = (
                        SELECT run FROM samples JOIN largest USING (listener, day, stratum)
                        ORDER BY rank DESC, run DESC LIMIT 1)
                    RETURNING listener, day, stratum, rank, bytes
                 )
                 UPDATE strata AS t SET bytes = t.bytes - e.bytes, below = e.rank
                 FROM evicted AS e
                 WHERE (t.listener, t.day, t.stratum) = (e.listener, e.day, e.stratum)",
            )
            .bind(listener)
            .execute(&mut *self.tx)
            .await?;
            if evicted.rows_affected() == 0 {
                return Ok(());
            }
        }
    }

    /// Deletes the samples of days that are over for long.
    pub(super) async fn forget_samples(&mut self) -> sqlx::Result<()> {
        for statement in [
            "DELETE FROM samples AS s USING strata AS t
             WHERE t.day < $1 AND (s.listener, s.day, s.stratum) = (t.listener, t.day, t.stratum)",
            "DELETE FROM strata WHERE day < $1",
        ] {
            sqlx::query(statement)
                .bind(day(self.now) - DAYS)
                .execute(&mut *self.tx)
                .await?;
        }
        Ok(())
    }
}

/// The samples of runs, in their order.
pub(super) async fn samples(
    journal: &mut PgConnection,
    runs: &[(Uuid, i64)],
) -> sqlx::Result<Vec<Option<KeptSample>>> {
    let owners = runs
        .iter()
        .map(|(group, _)| Owner::Listener(*group).to_string());
    let rows = sqlx::query(
        "SELECT s.stratum, s.rank, s.about, s.key, s.message, s.request, s.answer, s.sampled_at,
                t.below, l.algorithm, k.place
         FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS k(run, consumer_group, place)
              JOIN samples AS s USING (run)
              JOIN listeners AS l USING (listener, consumer_group)
              LEFT JOIN strata AS t USING (listener, day, stratum)",
    )
    .bind(runs.iter().map(|(_, run)| *run).collect::<Vec<_>>())
    .bind(owners.collect::<Vec<_>>())
    .fetch_all(journal)
    .await?;
    let mut samples: Vec<_> = runs.iter().map(|_| None).collect();
    for row in &rows {
        let place: i64 = row.try_get(10)?;
        let of_run = usize::try_from(place - 1).ok();
        if let Some(of_run) = of_run.and_then(|place| samples.get_mut(place)) {
            *of_run = Some(read(row)?);
        }
    }
    Ok(samples)
}

fn read(row: &PgRow) -> sqlx::Result<KeptSample> {
    let sample = SampleRow {
        stratum: row.try_get(0)?,
        rank: row.try_get(1)?,
        about: row.try_get(2)?,
        key: row.try_get(3)?,
        bodies: [row.try_get(4)?, row.try_get(5)?, row.try_get(6)?],
    };
    let sampled_at = Timestamp::from_microsecond(row.try_get(7)?);
    let sampled_at = sampled_at.map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    let sample = sample.read(text(row, 9)?, sampled_at, row.try_get(8)?);
    sample.map_err(|error| sqlx::Error::Decode(Box::new(error)))
}
