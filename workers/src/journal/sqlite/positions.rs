//! How far listeners have come, and lives of their topics.

use brokers::{Fingerprint, Standing};
use rusqlite::{OptionalExtension, Row, params};

use super::batch::Batch;
use crate::journal::life::Life;
use crate::journal::operation::{Advance, Begin, Load};
use crate::journal::record::{ListenerKey, MessageId};

impl Batch<'_> {
    pub(super) fn load(&mut self, load: &Load) -> rusqlite::Result<Vec<Standing>> {
        let mut select = self.tx.prepare_cached(
            "SELECT partition, incarnation, next, reset FROM positions WHERE listener = ?1",
        )?;
        let standings = select.query_map([load.0.0], |row| {
            Ok(Standing {
                partition: row.get(0)?,
                incarnation: row.get(1)?,
                next: row.get(2)?,
                reset: row.get::<_, i64>(3)?.unsigned_abs(),
                last: None,
            })
        })?;
        let mut standings: Vec<Standing> = standings.collect::<Result<_, _>>()?;
        for standing in &mut standings {
            standing.last = last(self, load.0, standing)?;
        }
        Ok(standings)
    }

    pub(super) fn begin(&mut self, begin: &Begin) -> rusqlite::Result<Option<Vec<u32>>> {
        let Begin {
            listener,
            reset,
            beginnings,
        } = begin;
        let mut lives = Vec::with_capacity(beginnings.len());
        for beginning in beginnings {
            let life = self.life(*listener, beginning.partition)?;
            if life.reset > *reset {
                return Ok(None);
            }
            lives.push((life.missed(beginning), life.begun(beginning, *reset)));
        }
        for (beginning, (missed, life)) in beginnings.iter().zip(&lives) {
            self.set_life(*listener, beginning.partition, *life)?;
            self.count_missed(*listener, *missed);
        }
        let incarnations = lives.iter().map(|(_, life)| life.incarnation);
        Ok(Some(incarnations.collect()))
    }

    pub(super) fn advance(&mut self, advance: &Advance) -> rusqlite::Result<()> {
        let mut update = self.tx.prepare_cached(
            "UPDATE positions SET next = max(next, ?3)
             WHERE listener = ?1 AND partition = ?2 AND reset = ?4",
        )?;
        for (partition, next) in &advance.done {
            update.execute(params![advance.listener.0, partition, next, advance.reset])?;
            let life = self.memory.lives.get_mut(&(advance.listener, *partition));
            if let Some(life) = life.filter(|life| life.reset == advance.reset) {
                life.next = life.next.max(*next);
            }
        }
        Ok(())
    }

    /// Which life of its partition a message is of, and whether it has ended.
    pub(super) fn standing(
        &mut self,
        listener: ListenerKey,
        message: MessageId,
    ) -> rusqlite::Result<(u32, bool)> {
        let life = self.life(listener, message.partition)?;
        Ok((life.of(message.offset), life.is_past(message.offset)))
    }

    /// Notes that another life begins with a message; answers its number.
    pub(super) fn begin_again(
        &mut self,
        listener: ListenerKey,
        message: MessageId,
    ) -> rusqlite::Result<u32> {
        let before = self.life(listener, message.partition)?;
        let life = before.begun_again(message.offset);
        self.set_life(listener, message.partition, life)?;
        Ok(life.incarnation)
    }

    fn life(&mut self, listener: ListenerKey, partition: i32) -> rusqlite::Result<Life> {
        if let Some(life) = self.memory.lives.get(&(listener, partition)) {
            return Ok(*life);
        }
        let mut select = self.tx.prepare_cached(
            "SELECT incarnation, since, next, reset FROM positions
             WHERE listener = ?1 AND partition = ?2",
        )?;
        let life = select.query_row(params![listener.0, partition], |row| {
            Ok(Life {
                incarnation: row.get(0)?,
                since: row.get(1)?,
                next: row.get(2)?,
                reset: row.get(3)?,
            })
        });
        let life = life.optional()?.unwrap_or_default();
        self.memory.lives.insert((listener, partition), life);
        Ok(life)
    }

    fn set_life(
        &mut self,
        listener: ListenerKey,
        partition: i32,
        life: Life,
    ) -> rusqlite::Result<()> {
        let mut upsert = self.tx.prepare_cached(
            "INSERT INTO positions (listener, partition, incarnation, since, next, reset)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (listener, partition) DO UPDATE
             SET incarnation = excluded.incarnation, since = excluded.since, next = excluded.next,
                 reset = excluded.reset",
        )?;
        upsert.execute(params![
            listener.0,
            partition,
            life.incarnation,
            life.since,
            life.next,
            life.reset
        ])?;
        self.memory.lives.insert((listener, partition), life);
        Ok(())
    }
}

/// The last message before a position, of the same life, that is still known.
fn last(
    batch: &Batch<'_>,
    listener: ListenerKey,
    standing: &Standing,
) -> rusqlite::Result<Option<(i64, Fingerprint)>> {
    let mut select = batch.tx.prepare_cached(
        "SELECT \"offset\", sent_at, digest FROM runs
         WHERE listener = ?1 AND partition = ?2 AND incarnation = ?3 AND \"offset\" < ?4
         ORDER BY \"offset\" DESC LIMIT 1",
    )?;
    let found = select.query_row(
        params![
            listener.0,
            standing.partition,
            standing.incarnation,
            standing.next
        ],
        remembered,
    );
    found.optional()
}

fn remembered(row: &Row<'_>) -> rusqlite::Result<(i64, Fingerprint)> {
    let fingerprint = Fingerprint {
        sent_at_ms: row.get(1)?,
        digest: row.get(2)?,
    };
    Ok((row.get(0)?, fingerprint))
}
