//! How far listeners have come, and lives of their topics.

use std::collections::HashMap;

use brokers::{Cause, Fingerprint, Standing};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::transaction::Batch;
use crate::journal::operation::{Advance, Begin, Load};
use crate::journal::record::{Claim, ListenerKey, Taken};

/// One life of a partition's log: from `since` on; what is before is of the life before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    incarnation: u32,
    since: i64,
    /// The listener's position: everything before it has ended.
    next: i64,
}

impl Default for Life {
    /// That of a partition of which nothing is written down.
    fn default() -> Self {
        Self {
            incarnation: 0,
            since: 0,
            next: i64::MIN,
        }
    }
}

impl Life {
    /// Which life a message at that offset is of.
    pub(super) fn of(self, offset: i64) -> u32 {
        let before = u32::from(offset < self.since);
        self.incarnation.saturating_sub(before)
    }

    /// Whether a message at that offset has ended.
    pub(super) fn is_past(self, offset: i64) -> bool {
        offset < self.next
    }
}

impl Batch<'_> {
    pub(super) async fn load(&mut self, load: &Load) -> sqlx::Result<Vec<Standing>> {
        let rows = sqlx::query(
            "SELECT p.partition, p.incarnation, p.next, l.\"offset\", l.sent_at, l.digest
             FROM positions AS p LEFT JOIN LATERAL
                  (SELECT \"offset\", sent_at, digest FROM runs AS r
                   WHERE r.listener = p.listener AND r.partition = p.partition
                     AND r.incarnation = p.incarnation AND r.\"offset\" < p.next
                   ORDER BY \"offset\" DESC LIMIT 1) AS l ON true
             WHERE p.listener = $1 ORDER BY p.partition",
        )
        .bind(load.0.0)
        .fetch_all(&mut *self.tx)
        .await?;
        rows.iter().map(standing).collect()
    }

    pub(super) async fn begin_reading(&mut self, begin: &Begin) -> sqlx::Result<Vec<u32>> {
        let mut begun = Vec::with_capacity(begin.beginnings.len());
        for beginning in &begin.beginnings {
            let at = (begin.listener, beginning.partition);
            let mut life = self.life(at).await?;
            if beginning.cause == Cause::Recreated {
                life.incarnation += 1;
                life.since = beginning.offset;
            }
            life.next = beginning.offset;
            self.set_life(at, life).await?;
            begun.push(life.incarnation);
        }
        Ok(begun)
    }

    pub(super) async fn advance(&mut self, advances: &[&Advance]) -> sqlx::Result<()> {
        let mut done: Vec<_> = advances
            .iter()
            .flat_map(|advance| {
                let listener = advance.listener.0;
                advance
                    .done
                    .iter()
                    .map(move |(partition, next)| (listener, *partition, *next))
            })
            .collect();
        if done.is_empty() {
            return Ok(());
        }
        done.sort_unstable();
        sqlx::query(
            "UPDATE positions AS p SET next = greatest(p.next, k.next)
             FROM (SELECT listener, partition, max(next) AS next
                   FROM unnest($1::bigint[], $2::int[], $3::bigint[])
                        AS g(listener, partition, next)
                   GROUP BY listener, partition) AS k
             WHERE p.listener = k.listener AND p.partition = k.partition",
        )
        .bind(done.iter().map(|done| done.0).collect::<Vec<_>>())
        .bind(done.iter().map(|done| done.1).collect::<Vec<_>>())
        .bind(done.iter().map(|done| done.2).collect::<Vec<_>>())
        .execute(&mut *self.tx)
        .await
        .map(drop)
    }

    /// Notes that another life begins with a message.
    pub(super) async fn begin_again(&mut self, claim: &Claim) -> sqlx::Result<()> {
        let Taken::Message { topic, id, .. } = &claim.taken else {
            return Err(sqlx::Error::RowNotFound);
        };
        tracing::warn!(
            topic = &**topic,
            partition = id.partition,
            offset = id.offset,
            "another message is where one was read before"
        );
        let at = (claim.listener, id.partition);
        let life = self.life(at).await?;
        let next = Life {
            incarnation: life.incarnation + 1,
            since: id.offset,
            next: life.next.min(id.offset),
        };
        self.set_life(at, next).await
    }

    async fn life(&mut self, at: (ListenerKey, i32)) -> sqlx::Result<Life> {
        let lives = self.lives([at].into_iter()).await?;
        Ok(lives.get(&at).copied().unwrap_or_default())
    }

    /// The lives of partitions that have one written down.
    pub(super) async fn lives(
        &mut self,
        partitions: impl Iterator<Item = (ListenerKey, i32)>,
    ) -> sqlx::Result<HashMap<(ListenerKey, i32), Life>> {
        let mut partitions: Vec<_> = partitions.collect();
        partitions.sort_unstable();
        partitions.dedup();
        if partitions.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = sqlx::query(
            "SELECT listener, partition, incarnation, since, next
             FROM positions JOIN unnest($1::bigint[], $2::int[]) AS k(listener, partition)
                  USING (listener, partition)",
        )
        .bind(
            partitions
                .iter()
                .map(|(listener, _)| listener.0)
                .collect::<Vec<_>>(),
        )
        .bind(
            partitions
                .iter()
                .map(|(_, partition)| *partition)
                .collect::<Vec<_>>(),
        )
        .fetch_all(&mut *self.tx)
        .await?;
        let lives = rows.iter().map(|row| {
            let at = (ListenerKey(row.try_get(0)?), row.try_get(1)?);
            let life = Life {
                incarnation: incarnation(row, 2)?,
                since: row.try_get(3)?,
                next: row.try_get(4)?,
            };
            Ok((at, life))
        });
        lives.collect()
    }

    async fn set_life(&mut self, at: (ListenerKey, i32), life: Life) -> sqlx::Result<()> {
        sqlx::query(
            "INSERT INTO positions (listener, partition, incarnation, since, next)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (listener, partition) DO UPDATE
             SET incarnation = excluded.incarnation, since = excluded.since, next = excluded.next",
        )
        .bind(at.0.0)
        .bind(at.1)
        .bind(i64::from(life.incarnation))
        .bind(life.since)
        .bind(life.next)
        .execute(&mut *self.tx)
        .await
        .map(drop)
    }
}

fn standing(row: &PgRow) -> sqlx::Result<Standing> {
    let last: Option<i64> = row.try_get(3)?;
    let digest: Option<Vec<u8>> = row.try_get(5)?;
    let digest = digest.and_then(|digest| digest.try_into().ok());
    let sent_at_ms = row.try_get(4)?;
    Ok(Standing {
        partition: row.try_get(0)?,
        incarnation: incarnation(row, 1)?,
        next: row.try_get(2)?,
        last: last.zip(digest.map(|digest| Fingerprint { sent_at_ms, digest })),
    })
}

fn incarnation(row: &PgRow, column: usize) -> sqlx::Result<u32> {
    let number: i64 = row.try_get(column)?;
    u32::try_from(number).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}
