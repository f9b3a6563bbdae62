//! What workers measured of listeners.

use std::collections::BTreeMap;

use domain::series::{Measured, Span};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use uuid::Uuid;

use super::transaction::Batch;
use crate::journal::operation::Record;
use crate::journal::series::{FORGOTTEN_TOGETHER, Row, forgotten, steps};

/// The columns of a row, but for its key.
const COLUMNS: &str = "received, succeeded, dead_lettered, filtered, dropped, calls, failed_calls, \
                       took, lag, lag_seconds";

/// The key of a row, but for its worker: consumer group, step, and when that begins.
type Key = (Uuid, i64, i64);

impl Batch<'_> {
    pub(super) async fn record(&mut self, record: &Record) -> sqlx::Result<()> {
        // In the order of their keys, so that two workers never wait for one another in a circle.
        let mut all: BTreeMap<Key, Measured> = BTreeMap::new();
        for (group, measured) in &record.measured {
            for (step, at) in steps(self.now) {
                all.entry((*group, step, at)).or_default().then(measured);
            }
        }
        let groups: Vec<_> = all.keys().map(|key| key.0).collect();
        let widths: Vec<_> = all.keys().map(|key| key.1).collect();
        let began: Vec<_> = all.keys().map(|key| key.2).collect();
        let select = format!(
            "SELECT consumer_group, step, at, {COLUMNS}
             FROM series JOIN unnest($1::uuid[], $2::bigint[], $3::bigint[])
                              AS k(consumer_group, step, at) USING (consumer_group, step, at)
             WHERE worker = $4"
        );
        let earlier = sqlx::query(AssertSqlSafe(select))
            .bind(&groups)
            .bind(&widths)
            .bind(&began)
            .bind(record.worker.0)
            .fetch_all(&mut *self.tx)
            .await?;
        for row in &earlier {
            let key = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            if let Some(measured) = all.get_mut(&key) {
                let mut both = read(row, 3)?;
                both.then(measured);
                *measured = both;
            }
        }
        let rows: Vec<_> = all.values().map(Row::of).collect();
        let count = |place: usize| rows.iter().map(|row| row.counts[place]).collect::<Vec<_>>();
        let upsert = format!(
            "INSERT INTO series (worker, consumer_group, step, at, {COLUMNS})
             SELECT $1, n.*
             FROM unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
                         $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[],
                         $12::bytea[], $13::bigint[], $14::bigint[]) AS n
             ON CONFLICT (consumer_group, step, at, worker) DO UPDATE SET
                received = excluded.received, succeeded = excluded.succeeded,
                dead_lettered = excluded.dead_lettered, filtered = excluded.filtered,
                dropped = excluded.dropped, calls = excluded.calls,
                failed_calls = excluded.failed_calls, took = excluded.took, lag = excluded.lag,
                lag_seconds = excluded.lag_seconds"
        );
        sqlx::query(AssertSqlSafe(upsert))
            .bind(record.worker.0)
            .bind(&groups)
            .bind(&widths)
            .bind(&began)
            .bind(count(0))
            .bind(count(1))
            .bind(count(2))
            .bind(count(3))
            .bind(count(4))
            .bind(count(5))
            .bind(count(6))
            .bind(
                rows.iter()
                    .map(|row| row.took.as_slice())
                    .collect::<Vec<_>>(),
            )
            .bind(rows.iter().map(|row| row.lag).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.lag_seconds).collect::<Vec<_>>())
            .execute(&mut *self.tx)
            .await
            .map(drop)
    }

    /// Forgets some of the points that are too old.
    pub(super) async fn forget_points(&mut self) -> sqlx::Result<()> {
        for (step, before) in forgotten(self.now) {
            sqlx::query(
                "DELETE FROM series WHERE (consumer_group, step, at, worker) IN
                    (SELECT consumer_group, step, at, worker FROM series
                     WHERE step = $1 AND at < $2 LIMIT $3 FOR UPDATE SKIP LOCKED)",
            )
            .bind(step)
            .bind(before)
            .bind(FORGOTTEN_TOGETHER)
            .execute(&mut *self.tx)
            .await?;
        }
        Ok(())
    }
}

/// What was measured of a listener, by the seconds at which its steps begin.
pub(super) async fn measured(
    journal: &mut PgConnection,
    group: Uuid,
    span: &Span,
) -> sqlx::Result<Vec<(i64, Measured)>> {
    let select = format!(
        "SELECT at, {COLUMNS} FROM series
         WHERE consumer_group = $1 AND step = $2 AND at >= $3 AND at < $4 ORDER BY at, worker"
    );
    let rows = sqlx::query(AssertSqlSafe(select))
        .bind(group)
        .bind(span.kept().step)
        .bind(span.from)
        .bind(span.until)
        .fetch_all(journal)
        .await?;
    let measured = rows.iter().map(|row| Ok((row.try_get(0)?, read(row, 1)?)));
    measured.collect()
}

fn read(row: &PgRow, first: usize) -> sqlx::Result<Measured> {
    let mut counts = [0; 7];
    for (place, count) in counts.iter_mut().enumerate() {
        *count = row.try_get(first + place)?;
    }
    let row = Row {
        counts,
        took: row.try_get(first + 7)?,
        lag: row.try_get(first + 8)?,
        lag_seconds: row.try_get(first + 9)?,
    };
    Ok(row.read())
}
