//! How far listeners have come, in which life of their topics.

use async_trait::async_trait;
use brokers::{Beginning, Cause, Fingerprint, Positions, PositionsError, Standing};
use rusqlite::{OptionalExtension, Row, params};

use super::batch::{Batch, Life, Operation};
use super::record::{ListenerKey, MessageId};
use super::{Journal, JournalError};

/// The positions of one listener.
#[derive(Clone)]
pub(crate) struct ListenerPositions {
    journal: Journal,
    listener: ListenerKey,
}

/// What is written down of a listener's partitions.
struct Load(ListenerKey);

/// Writes down where a listener begins; answers the incarnations.
struct Begin {
    listener: ListenerKey,
    beginnings: Vec<Beginning>,
}

/// Notes up to where everything is done, by partition.
struct Advance {
    listener: ListenerKey,
    done: Vec<(i32, i64)>,
}

impl Journal {
    /// The positions of a listener.
    pub(crate) fn positions(&self, listener: ListenerKey) -> ListenerPositions {
        ListenerPositions {
            journal: self.clone(),
            listener,
        }
    }
}

#[async_trait]
impl Positions for ListenerPositions {
    async fn load(&self) -> Result<Vec<Standing>, PositionsError> {
        let loaded = self.journal.ask(Load(self.listener)).await;
        loaded.map_err(PositionsError::from)
    }

    async fn begin(&self, beginnings: Vec<Beginning>) -> Result<Vec<u32>, PositionsError> {
        let begin = Begin {
            listener: self.listener,
            beginnings,
        };
        self.journal.ask(begin).await.map_err(PositionsError::from)
    }

    async fn advance(&self, done: Vec<(i32, i64)>) -> Result<(), PositionsError> {
        let advance = Advance {
            listener: self.listener,
            done,
        };
        let told = self.journal.tell(advance).await;
        told.map_err(PositionsError::from)
    }
}

impl std::fmt::Debug for ListenerPositions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ListenerPositions")
            .field(&self.listener)
            .finish()
    }
}

impl From<JournalError> for PositionsError {
    fn from(error: JournalError) -> Self {
        Self(Box::new(error))
    }
}

impl Operation for Load {
    type Answer = Vec<Standing>;

    fn apply(&self, batch: &mut Batch<'_>) -> rusqlite::Result<Vec<Standing>> {
        let mut select = batch.tx.prepare_cached(
            "SELECT partition, incarnation, next FROM positions WHERE listener = ?1",
        )?;
        let standings = select.query_map([self.0.0], |row| {
            Ok(Standing {
                partition: row.get(0)?,
                incarnation: row.get(1)?,
                next: row.get(2)?,
                last: None,
            })
        })?;
        let mut standings: Vec<Standing> = standings.collect::<Result<_, _>>()?;
        for standing in &mut standings {
            standing.last = last(batch, self.0, standing)?;
        }
        Ok(standings)
    }
}

impl Operation for Begin {
    type Answer = Vec<u32>;

    fn apply(&self, batch: &mut Batch<'_>) -> rusqlite::Result<Vec<u32>> {
        let begun = self.beginnings.iter().map(|beginning| {
            let life = batch.life(self.listener, beginning.partition)?;
            let life = match beginning.cause {
                Cause::Recreated => Life {
                    incarnation: life.incarnation + 1,
                    since: beginning.offset,
                },
                _ => life,
            };
            batch.set_life(self.listener, beginning.partition, life)?;
            let mut update = batch.tx.prepare_cached(
                "UPDATE positions SET next = ?3 WHERE listener = ?1 AND partition = ?2",
            )?;
            update.execute(params![
                self.listener.0,
                beginning.partition,
                beginning.offset
            ])?;
            Ok(life.incarnation)
        });
        begun.collect()
    }
}

impl Operation for Advance {
    type Answer = ();

    fn apply(&self, batch: &mut Batch<'_>) -> rusqlite::Result<()> {
        let mut update = batch.tx.prepare_cached(
            "UPDATE positions SET next = max(next, ?3) WHERE listener = ?1 AND partition = ?2",
        )?;
        for (partition, next) in &self.done {
            update.execute(params![self.listener.0, partition, next])?;
        }
        Ok(())
    }
}

impl Batch<'_> {
    /// Which life of its partition a message is of.
    pub(super) fn incarnation(
        &mut self,
        listener: ListenerKey,
        message: MessageId,
    ) -> rusqlite::Result<u32> {
        let life = self.life(listener, message.partition)?;
        let before = u32::from(message.offset < life.since);
        Ok(life.incarnation.saturating_sub(before))
    }

    /// Notes that another life begins with a message; answers its number.
    pub(super) fn begin_again(
        &mut self,
        listener: ListenerKey,
        message: MessageId,
    ) -> rusqlite::Result<u32> {
        let life = Life {
            incarnation: self.life(listener, message.partition)?.incarnation + 1,
            since: message.offset,
        };
        self.set_life(listener, message.partition, life)?;
        Ok(life.incarnation)
    }

    fn life(&mut self, listener: ListenerKey, partition: i32) -> rusqlite::Result<Life> {
        if let Some(life) = self.memory.lives.get(&(listener, partition)) {
            return Ok(*life);
        }
        let mut select = self.tx.prepare_cached(
            "SELECT incarnation, since FROM positions WHERE listener = ?1 AND partition = ?2",
        )?;
        let life = select.query_row(params![listener.0, partition], |row| {
            Ok(Life {
                incarnation: row.get(0)?,
                since: row.get(1)?,
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
            "INSERT INTO positions (listener, partition, incarnation, since, next)
             VALUES (?1, ?2, ?3, ?4, ?4) ON CONFLICT (listener, partition) DO UPDATE
             SET incarnation = excluded.incarnation, since = excluded.since",
        )?;
        upsert.execute(params![listener.0, partition, life.incarnation, life.since])?;
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
