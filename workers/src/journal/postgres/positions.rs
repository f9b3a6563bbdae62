//! How far listeners have come, and lives of their topics.

use std::collections::HashMap;

use brokers::{Beginning, Fingerprint, Standing};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::transaction::Batch;
use crate::journal::life::Life;
use crate::journal::operation::{Advance, Begin, Load};
use crate::journal::record::{Claim, ListenerKey, Taken};

impl Batch<'_> {
    pub(super) async fn load(&mut self, load: &Load) -> sqlx::Result<Vec<Standing>> {
        let rows = sqlx::query(
            "SELECT p.partition, p.incarnation, p.next, p.reset,
                    l.\"offset\", l.sent_at, l.digest
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

    pub(super) async fn begin_reading(&mut self, begin: &Begin) -> sqlx::Result<Option<Vec<u32>>> {
        // A worker that knows of a later reset may begin at the same time.
        sqlx::query("SELECT 1 FROM positions WHERE listener = $1 ORDER BY partition FOR UPDATE")
            .bind(begin.listener.0)
            .execute(&mut *self.tx)
            .await?;
        let at = |beginning: &Beginning| (begin.listener, beginning.partition);
        let before = self.lives(begin.beginnings.iter().map(at)).await?;
        let mut begun = Vec::with_capacity(begin.beginnings.len());
        for beginning in &begin.beginnings {
            let life = before.get(&at(beginning)).copied().unwrap_or_default();
            if life.reset > begin.reset {
                return Ok(None);
            }
            let missed = life.missed(beginning);
            begun.push((at(beginning), life.begun(beginning, begin.reset), missed));
        }
        for (at, life, missed) in &begun {
            self.set_life(*at, *life).await?;
            self.count_missed(begin.listener, *missed);
        }
        Ok(Some(
            begun.iter().map(|(_, life, _)| life.incarnation).collect(),
        ))
    }

    pub(super) async fn advance(&mut self, advances: &[&Advance]) -> sqlx::Result<()> {
        let mut done: Vec<_> = advances
            .iter()
            .flat_map(|advance| {
                let (listener, reset) = (advance.listener.0, advance.reset);
                advance
                    .done
                    .iter()
                    .map(move |(partition, next)| (listener, *partition, reset, *next))
            })
            .collect();
        if done.is_empty() {
            return Ok(());
        }
        done.sort_unstable();
        sqlx::query(
            "UPDATE positions AS p SET next = greatest(p.next, k.next)
             FROM (SELECT listener, partition, reset, max(next) AS next
                   FROM unnest($1::bigint[], $2::int[], $3::bigint[], $4::bigint[])
                        AS g(listener, partition, reset, next)
                   GROUP BY listener, partition, reset) AS k
             WHERE p.listener = k.listener AND p.partition = k.partition AND p.reset = k.reset",
        )
        .bind(done.iter().map(|done| done.0).collect::<Vec<_>>())
        .bind(done.iter().map(|done| done.1).collect::<Vec<_>>())
        .bind(done.iter().map(|done| done.2).collect::<Vec<_>>())
        .bind(done.iter().map(|done| done.3).collect::<Vec<_>>())
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
        self.set_life(at, life.begun_again(id.offset)).await
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
            "SELECT listener, partition, incarnation, since, next, reset
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
                reset: row.try_get(5)?,
            };
            Ok((at, life))
        });
        lives.collect()
    }

    async fn set_life(&mut self, at: (ListenerKey, i32), life: Life) -> sqlx::Result<()> {
        sqlx::query(
            "INSERT INTO positions (listener, partition, incarnation, since, next, reset)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (listener, partition) DO UPDATE
             SET incarnation = excluded.incarnation, since = excluded.since, next = excluded.next,
                 reset = excluded.reset",
        )
        .bind(at.0.0)
        .bind(at.1)
        .bind(i64::from(life.incarnation))
        .bind(life.since)
        .bind(life.next)
        .bind(life.reset)
        .execute(&mut *self.tx)
        .await
        .map(drop)
    }
}

fn standing(row: &PgRow) -> sqlx::Result<Standing> {
    let last: Option<i64> = row.try_get(4)?;
    let digest: Option<Vec<u8>> = row.try_get(6)?;
    let digest = digest.and_then(|digest| digest.try_into().ok());
    let sent_at_ms = row.try_get(5)?;
    Ok(Standing {
        partition: row.try_get(0)?,
        incarnation: incarnation(row, 1)?,
        next: row.try_get(2)?,
        reset: row.try_get::<i64, _>(3)?.unsigned_abs(),
        last: last.zip(digest.map(|digest| Fingerprint { sent_at_ms, digest })),
    })
}

fn incarnation(row: &PgRow, column: usize) -> sqlx::Result<u32> {
    let number: i64 = row.try_get(column)?;
    u32::try_from(number).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}
