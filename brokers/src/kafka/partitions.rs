//! The partitions a source holds: what was handed out of each, what is settled, stored, paused.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use super::partition::{NOWHERE, Partition};
use super::unsettled::Unsettled;
use crate::positions::Fingerprint;

/// Fewer unsettled messages than this stand in nobody's way.
const FEWEST_ASIDE: usize = 4;

/// Where a partition begins to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Begun {
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) incarnation: u32,
    /// The reset of the reader's position that it is since.
    pub(super) reset: u64,
}

/// What of a partition is not done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unfinished {
    pub(super) partition: i32,
    /// Everything before this offset is done.
    pub(super) from: i64,
    /// When the first message was sent that was handed out and is not done.
    pub(super) oldest: Option<SystemTime>,
    /// Nothing is left, whatever the last offset is.
    pub(super) is_done: bool,
}

/// What a position that we commit says of itself: this, the reset that it is since, and the
/// incarnation that it is of. Other tools leave nothing there when they move a group.
const MARK: &str = "eventflows/";

/// What a committed position says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) reset: u64,
    pub(super) incarnation: u32,
}

impl Mark {
    /// None if the position is not ours.
    pub(super) fn of(metadata: &str) -> Option<Self> {
        let (reset, incarnation) = metadata.strip_prefix(MARK)?.split_once('/')?;
        Some(Self {
            reset: reset.parse().ok()?,
            incarnation: incarnation.parse().ok()?,
        })
    }
}

impl Begun {
    /// Adds it to a list that is committed, marked as ours.
    pub(super) fn add_to(&self, list: &mut TopicPartitionList, topic: &str) -> KafkaResult<()> {
        let mut element = list.add_partition(topic, self.partition);
        element.set_offset(Offset::Offset(self.offset))?;
        element.set_metadata(format!("{MARK}{}/{}", self.reset, self.incarnation));
        Ok(())
    }
}

/// All partitions of a source. Used by its thread only; the lock is for the compiler.
#[derive(Debug)]
pub(super) struct Partitions {
    topic: String,
    unsettled: Arc<Unsettled>,
    max_backlog: usize,
    held: Mutex<BTreeMap<i32, Held>>,
}

#[derive(Debug)]
struct Held {
    partition: Arc<Partition>,
    begun: Begun,
    stored: i64,
    committed: i64,
    paused: bool,
    /// Too much is settled behind an unsettled message.
    full: bool,
    /// Most of what the source holds is its own, and stands in the way of others.
    is_aside: bool,
}

impl Partitions {
    pub(super) fn new(topic: String, unsettled: Arc<Unsettled>, max_backlog: usize) -> Self {
        Self {
            topic,
            unsettled,
            max_backlog,
            held: Mutex::default(),
        }
    }

    /// Begins a partition, of which an earlier assignment moves nothing any more.
    pub(super) fn assign(&self, begun: Begun) {
        let partition = Arc::new(Partition::new(Arc::clone(&self.unsettled)));
        let held = Held {
            partition,
            begun,
            stored: NOWHERE,
            committed: NOWHERE,
            paused: false,
            full: false,
            is_aside: false,
        };
        if let Some(old) = self.held().insert(begun.partition, held) {
            old.partition.revoke();
        }
    }

    /// Begins nothing more in those partitions, and waits until what was begun has ended.
    pub(super) fn drain(&self, partitions: &[i32], most: Duration) {
        let deadline = Instant::now() + most;
        let leaving: Vec<_> = partitions
            .iter()
            .filter_map(|id| self.partition(*id))
            .collect();
        for partition in &leaving {
            partition.leave();
        }
        for partition in &leaving {
            partition.until_idle(deadline);
        }
    }

    pub(super) fn revoke(&self, partitions: &[i32]) {
        for id in partitions {
            if let Some(held) = self.held().remove(id) {
                held.partition.revoke();
            }
        }
    }

    /// The partition, unless the group has taken it away.
    pub(super) fn partition(&self, id: i32) -> Option<Arc<Partition>> {
        self.held().get(&id).map(|held| Arc::clone(&held.partition))
    }

    /// Notes that a partition is read up to its end. What is paused may have messages behind it that
    /// were read before, or comes to have others that nobody reads.
    pub(super) fn reached_end(&self, id: i32) {
        if let Some(held) = self.held().get(&id)
            && !held.paused
        {
            held.partition.at_end.store(true, Ordering::Release);
        }
    }

    /// How many are held.
    pub(super) fn count(&self) -> usize {
        self.held().len()
    }

    /// Which of those partitions are held, with where they began.
    pub(super) fn begun(&self) -> Vec<Begun> {
        self.held().values().map(|held| held.begun).collect()
    }

    /// What is not done yet of each partition that is held.
    pub(super) fn unfinished(&self) -> Vec<Unfinished> {
        let held = self.held();
        let unfinished = held.iter().map(|(id, held)| {
            let position = held.partition.position.load(Ordering::Acquire);
            let at_end = held.partition.at_end.load(Ordering::Acquire);
            Unfinished {
                partition: *id,
                from: position.max(held.begun.offset),
                oldest: held.partition.oldest(),
                is_done: at_end && held.partition.unsettled() == 0,
            }
        });
        unfinished.collect()
    }

    /// A message of each partition that was handed out of it.
    pub(super) fn witnesses(&self) -> HashMap<i32, (i64, Fingerprint)> {
        let held = self.held();
        let witnesses = held
            .iter()
            .filter_map(|(id, held)| Some((*id, *held.partition.witness.get()?)));
        witnesses.collect()
    }

    /// Leaves what is settled with librdkafka, which commits it within its interval. Answers it, by
    /// partition.
    pub(super) fn store<C: ConsumerContext>(&self, consumer: &BaseConsumer<C>) -> Vec<(i32, i64)> {
        let moved = self.moved(|_| true, |held| &mut held.stored);
        self.store_list(consumer, &self.list(&moved));
        let done = moved.iter().map(|moved| (moved.partition, moved.offset));
        done.collect()
    }

    /// Commits what is settled of those partitions `which` picks, and waits for the broker.
    pub(super) fn commit<C: ConsumerContext>(
        &self,
        consumer: &BaseConsumer<C>,
        which: impl Fn(i32) -> bool,
    ) -> KafkaResult<()> {
        let list = self.list(&self.moved(which, |held| &mut held.committed));
        if list.count() == 0 {
            return Ok(());
        }
        // When a partition is given up, librdkafka commits what it has stored. An older offset
        // there would move the group back.
        self.store_list(consumer, &list);
        consumer.commit(&list, CommitMode::Sync)
    }

    fn store_list<C: ConsumerContext>(
        &self,
        consumer: &BaseConsumer<C>,
        list: &TopicPartitionList,
    ) {
        if list.count() == 0 {
            return;
        }
        match consumer.store_offsets(list) {
            // The partition was taken away a moment ago; its next reader starts further back.
            Ok(()) | Err(KafkaError::StoreOffset(RDKafkaErrorCode::State)) => {}
            Err(error) => tracing::warn!(%error, topic = self.topic, "could not store offsets"),
        }
    }

    /// Pauses and resumes partitions: all when the source is `stalled`, and each while it is full.
    pub(super) fn regulate<C: ConsumerContext>(&self, consumer: &BaseConsumer<C>, stalled: bool) {
        let mut pause = TopicPartitionList::new();
        let mut resume = TopicPartitionList::new();
        for (id, held) in self.held().iter_mut() {
            let full_at = if held.full {
                self.max_backlog / 2
            } else {
                self.max_backlog
            };
            held.full = held.partition.backlog() >= full_at;
            if held.is_aside && held.partition.unsettled() <= self.unsettled.max() / 4 {
                held.is_aside = false;
                held.partition.set_aside(false);
            }
            let wanted = stalled || held.full || held.is_aside;
            if wanted != held.paused {
                held.paused = wanted;
                held.partition.at_end.store(false, Ordering::Release);
                let list = if wanted { &mut pause } else { &mut resume };
                list.add_partition(&self.topic, *id);
            }
        }
        if pause.count() > 0
            && let Err(error) = consumer.pause(&pause)
        {
            tracing::warn!(%error, topic = self.topic, "could not pause partitions");
        }
        if resume.count() > 0
            && let Err(error) = consumer.resume(&resume)
        {
            tracing::warn!(%error, topic = self.topic, "could not resume partitions");
        }
    }

    /// Sets a partition aside that holds half of what the source may hold, or more, where there are
    /// others: nothing more is read of it until a quarter is left, and the others have all of the room
    /// meanwhile. There is one at a time. Returns whether there is one now that was none before.
    pub(super) fn make_way(&self) -> bool {
        let mut held = self.held();
        if held.len() < 2 || held.values().any(|held| held.is_aside) {
            return false;
        }
        let most = held
            .values_mut()
            .max_by_key(|held| held.partition.unsettled());
        let many = FEWEST_ASIDE.max(self.unsettled.max() / 2);
        let in_the_way = most.filter(|held| held.partition.unsettled() >= many);
        let Some(in_the_way) = in_the_way else {
            return false;
        };
        in_the_way.is_aside = true;
        in_the_way.partition.set_aside(true);
        true
    }

    pub(super) fn topic(&self) -> &str {
        &self.topic
    }

    pub(super) fn max_backlog(&self) -> usize {
        self.max_backlog
    }

    /// The positions that differ from the mark, which then is set to them.
    fn moved(
        &self,
        which: impl Fn(i32) -> bool,
        mark: impl Fn(&mut Held) -> &mut i64,
    ) -> Vec<Begun> {
        let mut moved = Vec::new();
        for (id, held) in self.held().iter_mut().filter(|(id, _)| which(**id)) {
            let offset = held.partition.position.load(Ordering::Acquire);
            let begun = held.begun;
            let mark = mark(held);
            if *mark != offset {
                *mark = offset;
                moved.push(Begun {
                    partition: *id,
                    offset,
                    ..begun
                });
            }
        }
        moved
    }

    fn list(&self, moved: &[Begun]) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for moved in moved {
            let added = moved.add_to(&mut list, &self.topic);
            added.expect("a position is not negative once it has moved");
        }
        list
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<i32, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
