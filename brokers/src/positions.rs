//! The positions of a source in its topic, kept by the reader and not by the broker.
//!
//! A broker's own record of a group's position is a copy, for its tools: it is deleted once a group
//! has been idle for long, other tools can move it, and it does not say which life of a topic it
//! belongs to.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::port::Message;

/// What a reader has recorded of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub partition: i32,
    /// The number of the partition's present log: it rises each time the log starts over.
    pub incarnation: u32,
    /// Everything before this offset is done.
    pub next: i64,
    /// Which reset of the reader's position that is since: [`Positions::reset`] of then.
    pub reset: u64,
    /// A message before that offset, the last one if it is still known. If another message is at its
    /// offset now, the log is another one.
    pub last: Option<(i64, Fingerprint)>,
}

/// What distinguishes a message from another one at the same offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Milliseconds since 1970, UTC; none where the broker keeps no time.
    pub sent_at_ms: Option<i64>,
    /// The first half of the body's SHA-256.
    pub digest: [u8; 16],
}

/// Where a reader begins in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beginning {
    pub partition: i32,
    pub offset: i64,
    pub cause: Cause,
}

/// Why a reader begins where it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It has not read the partition before: its start position, or, where it has read others of
    /// the topic, the oldest message.
    First,
    /// It goes on where it stood.
    GoesOn,
    /// What came next is not kept any more, so that it goes on with the oldest message.
    Gap { lost: u64 },
    /// The log has lost its end, which was read before: a replica that was behind took over.
    Truncated { lost: u64 },
    /// The reader was told to go on elsewhere.
    Reset,
    /// The topic was deleted and created again, or another cluster stands in its place.
    Recreated,
}

/// Why positions could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the positions cannot be read or written")]
pub struct PositionsError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// The positions of one source.
#[async_trait]
pub trait Positions: Debug + Send + Sync {
    /// The number of the last reset of the reader's position, the higher the later; 0 where there was
    /// none. What was recorded under another one is not gone on from.
    fn reset(&self) -> u64;

    /// What is recorded, of all partitions.
    async fn load(&self) -> Result<Vec<Standing>, PositionsError>;

    /// Records where the source begins, durably, and returns the partitions' incarnations in the same
    /// order. [`Cause::Recreated`] raises the partition's, and so does [`Cause::Reset`], once for each
    /// reset. Fails, and records nothing, where a later reset has been recorded.
    async fn begin(&self, beginnings: Vec<Beginning>) -> Result<Vec<u32>, PositionsError>;

    /// Notes that everything before those offsets is done, by partition. Durable some time later.
    async fn advance(&self, done: Vec<(i32, i64)>) -> Result<(), PositionsError>;
}

impl Fingerprint {
    pub fn new(sent_at_ms: Option<i64>, body: &[u8]) -> Self {
        let hash = Sha256::digest(body);
        let mut digest = [0; 16];
        digest.copy_from_slice(&hash[..16]);
        Self { sent_at_ms, digest }
    }

    pub fn of(message: &Message) -> Self {
        let sent_at = message.timestamp.and_then(|time| {
            let since = time.duration_since(std::time::SystemTime::UNIX_EPOCH);
            since.ok()?.as_millis().try_into().ok()
        });
        Self::new(sent_at, message.body.as_deref().unwrap_or_default())
    }
}

/// Positions that are kept in memory, for tests of brokers.
#[derive(Debug, Default)]
pub struct MemoryPositions {
    standings: Mutex<HashMap<i32, Standing>>,
    reset: AtomicU64,
}

impl MemoryPositions {
    /// Has sources that are opened from now on go on elsewhere.
    pub fn reset_to(&self, number: u64) {
        self.reset.store(number, Ordering::Release);
    }

    /// Records what a message before the position looked like.
    pub fn remember(&self, partition: i32, offset: i64, body: &Bytes, sent_at_ms: Option<i64>) {
        if let Some(standing) = self.standings().get_mut(&partition) {
            standing.last = Some((offset, Fingerprint::new(sent_at_ms, body)));
        }
    }

    fn standings(&self) -> MutexGuard<'_, HashMap<i32, Standing>> {
        self.standings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Positions for MemoryPositions {
    fn reset(&self) -> u64 {
        self.reset.load(Ordering::Acquire)
    }

    async fn load(&self) -> Result<Vec<Standing>, PositionsError> {
        Ok(self.standings().values().copied().collect())
    }

    async fn begin(&self, beginnings: Vec<Beginning>) -> Result<Vec<u32>, PositionsError> {
        let reset = self.reset();
        let mut standings = self.standings();
        let begun = beginnings.into_iter().map(|beginning| {
            let before = standings.get(&beginning.partition).copied();
            let incarnation = before.map_or(0, |before| before.incarnation);
            let is_new = match beginning.cause {
                Cause::Recreated => true,
                Cause::Reset => before.is_none_or(|before| before.reset < reset),
                _ => false,
            };
            let standing = Standing {
                partition: beginning.partition,
                incarnation: incarnation + u32::from(is_new),
                next: beginning.offset,
                reset,
                last: before.and_then(|before| before.last.filter(|_| !is_new)),
            };
            standings.insert(beginning.partition, standing);
            standing.incarnation
        });
        Ok(begun.collect())
    }

    async fn advance(&self, done: Vec<(i32, i64)>) -> Result<(), PositionsError> {
        let mut standings = self.standings();
        for (partition, next) in done {
            if let Some(standing) = standings.get_mut(&partition) {
                standing.next = standing.next.max(next);
            }
        }
        Ok(())
    }
}
