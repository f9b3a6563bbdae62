//! What workers say of their consumers.

use std::collections::BTreeMap;

use domain::consumer::ConsumerStatus;
use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use super::transaction::Batch;
use crate::journal::observation::{Row, forgotten_before};
use crate::journal::operation::Observe;

impl Batch<'_> {
    pub(super) async fn observe(&mut self, observe: &Observe) -> sqlx::Result<()> {
        let mut ended = Vec::new();
        // What was said last of a listener counts. Sorted, so that two workers never wait for one
        // another.
        let mut rows = BTreeMap::new();
        for observation in &observe.consumers {
            match &observation.observed {
                Some(observed) => {
                    let row = Row::of(observe.worker, observed, self.now);
                    rows.insert(observation.group, row);
                }
                None => ended.push(observation.group),
            }
        }
        sqlx::query("DELETE FROM consumers WHERE worker = $1 AND consumer_group = ANY($2)")
            .bind(observe.worker.0)
            .bind(ended)
            .execute(&mut *self.tx)
            .await?;
        self.upsert(&rows).await
    }

    async fn upsert(&mut self, rows: &BTreeMap<Uuid, Row>) -> sqlx::Result<()> {
        fn column<'r, T>(rows: &'r BTreeMap<Uuid, Row>, of: impl Fn(&'r Row) -> T) -> Vec<T> {
            rows.values().map(of).collect()
        }
        let groups: Vec<Uuid> = rows.keys().copied().collect();
        sqlx::query(
            "INSERT INTO consumers AS c (consumer_group, worker, state, reason, since, partitions,
                                         messages, oldest_at, measured_at, updated_at)
             SELECT n.* FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bigint[],
                                    $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
                                    $10::bigint[]) AS n
             ON CONFLICT (consumer_group, worker) DO UPDATE SET
                since = CASE WHEN c.state = excluded.state THEN c.since ELSE excluded.since END,
                state = excluded.state, reason = excluded.reason,
                partitions = excluded.partitions, messages = excluded.messages,
                oldest_at = excluded.oldest_at, measured_at = excluded.measured_at,
                updated_at = excluded.updated_at",
        )
        .bind(groups)
        .bind(column(rows, |row| row.worker))
        .bind(column(rows, |row| row.state.as_str()))
        .bind(column(rows, |row| row.reason.as_deref()))
        .bind(column(rows, |row| row.since))
        .bind(column(rows, |row| row.partitions))
        .bind(column(rows, |row| row.messages))
        .bind(column(rows, |row| row.oldest_at))
        .bind(column(rows, |row| row.measured_at))
        .bind(column(rows, |row| row.updated_at))
        .execute(&mut *self.tx)
        .await
        .map(drop)
    }

    /// Forgets what workers said that are gone.
    pub(super) async fn forget(&mut self) -> sqlx::Result<()> {
        let now = Timestamp::from_microsecond(self.now).unwrap_or(Timestamp::MIN);
        sqlx::query("DELETE FROM consumers WHERE updated_at < $1")
            .bind(forgotten_before(now))
            .execute(&mut *self.tx)
            .await
            .map(drop)
    }
}

/// What the consumers of listeners are doing, in the order of the groups.
pub(super) async fn consumers(
    journal: &mut PgConnection,
    groups: &[Uuid],
) -> sqlx::Result<Vec<Vec<ConsumerStatus>>> {
    let rows = sqlx::query(
        "SELECT worker, state, reason, since, partitions, messages, oldest_at, measured_at,
                updated_at, place, (extract(epoch FROM now()) * 1000000)::bigint
         FROM unnest($1::uuid[]) WITH ORDINALITY AS k(consumer_group, place)
              JOIN consumers USING (consumer_group)
         ORDER BY place, worker",
    )
    .bind(groups)
    .fetch_all(journal)
    .await?;
    let mut found: Vec<_> = groups.iter().map(|_| Vec::new()).collect();
    for row in &rows {
        let place: i64 = row.try_get(9)?;
        let of_group = usize::try_from(place - 1).ok();
        if let Some(of_group) = of_group.and_then(|place| found.get_mut(place)) {
            of_group.push(status(row)?);
        }
    }
    Ok(found)
}

fn status(row: &PgRow) -> sqlx::Result<ConsumerStatus> {
    let read = Row {
        worker: row.try_get(0)?,
        state: row.try_get(1)?,
        reason: row.try_get(2)?,
        since: row.try_get(3)?,
        partitions: row.try_get(4)?,
        messages: row.try_get(5)?,
        oldest_at: row.try_get(6)?,
        measured_at: row.try_get(7)?,
        updated_at: row.try_get(8)?,
    };
    let now = Timestamp::from_microsecond(row.try_get(10)?);
    let read = now.map_err(Into::into).and_then(|now| read.read(now));
    read.map_err(|error| sqlx::Error::Decode(Box::new(error)))
}
