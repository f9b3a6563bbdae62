//! Finds where a source begins in partitions that it was assigned, and has it written down.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::KafkaResult;
use rdkafka::{Offset, TopicPartitionList};
use tokio::runtime::Handle;

use super::partitions::{Begun, Mark};
use super::start::{Known, again, first_offset, goes_on};
use super::{KafkaSettings, Watermarks, peek};
use crate::port::{SourceSettings, Start};
use crate::positions::{Beginning, Cause, Fingerprint, PositionsError, Standing};

/// How long it may take for all partitions; the group waits meanwhile. What is not found by then is
/// looked for again later.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long one request to the broker may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);

/// How long it may take to look at the last records that were read.
const PEEK_PATIENCE: Duration = Duration::from_secs(5);

/// Why a source cannot begin.
#[derive(Debug, thiserror::Error)]
pub(super) enum LocateError {
    #[error(transparent)]
    Positions(#[from] PositionsError),
    #[error(transparent)]
    Kafka(#[from] rdkafka::error::KafkaError),
}

/// Where a partition begins to be read, and why.
#[derive(Clone, Copy, Debug)]
pub(super) struct Located {
    pub(super) begun: Begun,
    pub(super) cause: Cause,
}

/// What the reader has recorded of its partitions.
#[derive(Default)]
struct Recorded {
    /// What it goes on from.
    standings: HashMap<i32, Standing>,
    /// The partitions that it read before the last reset, and not since.
    earlier: HashSet<i32>,
}

/// Finds beginnings for one source.
pub(super) struct Locator {
    kafka: KafkaSettings,
    settings: SourceSettings,
    /// Where the positions are kept.
    runtime: Handle,
}

impl Locator {
    pub(super) fn new(kafka: KafkaSettings, settings: SourceSettings, runtime: Handle) -> Self {
        Self {
            kafka,
            settings,
            runtime,
        }
    }

    /// Where the source begins in `partitions`, written down. Those that could not be looked at,
    /// because they have no leader or the broker is slow, are missing. `witnesses` are messages
    /// that this source has read, for partitions that it reads already: what was read last may be of
    /// the other log.
    pub(super) fn locate<C: ConsumerContext>(
        &self,
        consumer: &BaseConsumer<C>,
        partitions: &[i32],
        witnesses: &HashMap<i32, (i64, Fingerprint)>,
    ) -> Result<Vec<Located>, LocateError> {
        let deadline = Instant::now() + PATIENCE;
        let Recorded {
            mut standings,
            mut earlier,
        } = self.recorded()?;
        for (partition, standing) in &mut standings {
            standing.last = witnesses.get(partition).copied().or(standing.last);
        }
        let committed = self.committed(consumer, partitions, &standings, &mut earlier)?;
        if standings.is_empty() && committed.is_empty() {
            return self.first(consumer, partitions, deadline);
        }
        let read = |partition: &i32| standings.get(partition);
        let mut ends = BTreeMap::new();
        for partition in partitions {
            if let Some(found) = self.ends(consumer, *partition, deadline) {
                ends.insert(*partition, found);
            }
        }
        let same_log = self.same_log(&standings, &ends)?;
        let mut beginnings = Vec::with_capacity(ends.len());
        for (partition, ends) in &ends {
            let known = Known {
                next: read(partition).map(|standing| standing.next),
                committed: committed.get(partition).copied(),
                same_log: same_log.get(partition).copied(),
            };
            let (offset, cause) = match again(known, *ends) {
                Some(found) => found,
                None if earlier.contains(partition) || self.is_given(*partition) => {
                    let offset = self.start(consumer, *partition, *ends)?;
                    (offset, Cause::Reset)
                }
                // One that was added since: all of it came after the start.
                None => (ends.low, Cause::First),
            };
            beginnings.push(Beginning {
                partition: *partition,
                offset,
                cause,
            });
        }
        self.begin(beginnings)
    }

    /// Whether a position that is past the log's ends belongs to it; for one that is read already.
    pub(super) fn is_out_of_range<C: ConsumerContext>(
        &self,
        consumer: &BaseConsumer<C>,
        partition: i32,
        position: i64,
    ) -> bool {
        let ends = self.ends(consumer, partition, Instant::now() + REQUEST_TIMEOUT);
        ends.is_some_and(|ends| !(ends.low..=ends.high).contains(&position))
    }

    /// Notes what is done.
    pub(super) fn advance(&self, done: Vec<(i32, i64)>) {
        if done.is_empty() {
            return;
        }
        let noted = self.settings.positions.advance(done);
        if let Err(error) = self.runtime.block_on(noted) {
            // The consumer hears of it where it decides messages, and ends.
            tracing::warn!(%error, topic = self.settings.topic, "could not note what is done");
        }
    }

    /// The topic was never read, or not since the last reset: the start position of each of its
    /// partitions is found once, also of those that another member has. Empty until all of them can
    /// be looked at.
    fn first<C: ConsumerContext>(
        &self,
        consumer: &BaseConsumer<C>,
        partitions: &[i32],
        deadline: Instant,
    ) -> Result<Vec<Located>, LocateError> {
        let topic = &self.settings.topic;
        let metadata = consumer.fetch_metadata(Some(topic), REQUEST_TIMEOUT)?;
        let all = metadata
            .topics()
            .iter()
            .flat_map(|topic| topic.partitions());
        let cause = match self.settings.positions.reset() {
            0 => Cause::First,
            _ => Cause::Reset,
        };
        let mut beginnings = Vec::new();
        for partition in all.map(|partition| partition.id()) {
            let Some(ends) = self.ends(consumer, partition, deadline) else {
                // Later it would be taken for one that was added. None is begun before all can be.
                return Ok(Vec::new());
            };
            let offset = self.start(consumer, partition, ends)?;
            beginnings.push(Beginning {
                partition,
                offset,
                cause,
            });
        }
        let mut located = self.begin(beginnings)?;
        self.commit(consumer, &located)?;
        located.retain(|located| partitions.contains(&located.begun.partition));
        Ok(located)
    }

    /// Where a partition begins that has no position to go on from.
    fn start<C: ConsumerContext>(
        &self,
        consumer: &BaseConsumer<C>,
        partition: i32,
        ends: Watermarks,
    ) -> KafkaResult<i64> {
        let SourceSettings { topic, start, .. } = &self.settings;
        let offset = first_offset(consumer, topic, partition, start, ends)?;
        if let Start::Offsets(offsets) = start
            && let Some(asked) = offsets.get(&partition).filter(|asked| **asked != offset)
        {
            tracing::warn!(
                topic,
                partition,
                asked,
                offset,
                "the offset that was asked for is not kept, or is not there yet"
            );
        }
        Ok(offset)
    }

    fn recorded(&self) -> Result<Recorded, PositionsError> {
        let loaded = self.runtime.block_on(self.settings.positions.load())?;
        let mut recorded = Recorded::default();
        for standing in loaded {
            if self.goes_on(standing.partition, standing.reset) {
                recorded.standings.insert(standing.partition, standing);
            } else {
                recorded.earlier.insert(standing.partition);
            }
        }
        Ok(recorded)
    }

    /// Whether a position of a partition from that reset on is gone on from.
    fn goes_on(&self, partition: i32, reset: u64) -> bool {
        let SourceSettings {
            start, positions, ..
        } = &self.settings;
        goes_on(start, partition, reset, positions.reset())
    }

    fn is_given(&self, partition: i32) -> bool {
        self.settings.start.names(partition) == Some(true)
    }

    /// What a group of ours has committed for the incarnations that are read; notes the partitions of
    /// which it is of an earlier reset.
    fn committed<C: ConsumerContext>(
        &self,
        consumer: &BaseConsumer<C>,
        partitions: &[i32],
        standings: &HashMap<i32, Standing>,
        earlier: &mut HashSet<i32>,
    ) -> KafkaResult<HashMap<i32, i64>> {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition(&self.settings.topic, *partition);
        }
        let committed = consumer.committed_offsets(list, REQUEST_TIMEOUT)?;
        let mut found = HashMap::new();
        for element in committed.elements() {
            element.error()?;
            let Offset::Offset(offset) = element.offset() else {
                continue;
            };
            let partition = element.partition();
            let Some(mark) = Mark::of(element.metadata()) else {
                let topic = &self.settings.topic;
                tracing::warn!(
                    topic,
                    partition,
                    offset,
                    "another tool has moved the consumer group; that is not followed, \
                     listenerResetPosition would be"
                );
                continue;
            };
            if !self.goes_on(partition, mark.reset) {
                earlier.insert(partition);
                continue;
            }
            let read = standings.get(&partition);
            if read.is_none_or(|standing| standing.incarnation == mark.incarnation) {
                found.insert(partition, offset);
            }
        }
        Ok(found)
    }

    fn ends<C: ConsumerContext>(
        &self,
        consumer: &BaseConsumer<C>,
        partition: i32,
        deadline: Instant,
    ) -> Option<Watermarks> {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = left.min(REQUEST_TIMEOUT);
        let topic = &self.settings.topic;
        match consumer.fetch_watermarks(topic, partition, timeout) {
            Ok((low, high)) => Some(Watermarks { low, high }),
            Err(error) => {
                tracing::warn!(%error, topic, partition, "could not look where to begin");
                None
            }
        }
    }

    /// Whether the messages that are remembered are still at their places, where that can be seen.
    fn same_log(
        &self,
        standings: &HashMap<i32, Standing>,
        ends: &BTreeMap<i32, Watermarks>,
    ) -> KafkaResult<HashMap<i32, bool>> {
        let remembered = ends.iter().filter_map(|(partition, ends)| {
            let (offset, fingerprint) = standings.get(partition)?.last?;
            let kept = (ends.low..ends.high).contains(&offset);
            kept.then_some((*partition, offset, fingerprint))
        });
        let remembered: Vec<_> = remembered.collect();
        let wanted = remembered.iter().map(|(p, offset, _)| (*p, *offset));
        let deadline = Instant::now() + PEEK_PATIENCE;
        let topic = &self.settings.topic;
        let found = peek::fingerprints(
            &self.kafka,
            &self.settings.group,
            topic,
            &wanted.collect(),
            deadline,
        )?;
        let compared = remembered.iter().filter_map(|(partition, _, fingerprint)| {
            let seen = found.get(partition)?;
            Some((*partition, seen == fingerprint))
        });
        Ok(compared.collect())
    }

    /// Has beginnings written down, and says what is unusual about them.
    fn begin(&self, beginnings: Vec<Beginning>) -> Result<Vec<Located>, LocateError> {
        let reset = self.settings.positions.reset();
        for beginning in &beginnings {
            self.tell(beginning);
        }
        let written = self.settings.positions.begin(beginnings.clone());
        let incarnations = self.runtime.block_on(written)?;
        let begun = beginnings.into_iter().zip(incarnations);
        Ok(begun
            .map(|(beginning, incarnation)| Located {
                begun: Begun {
                    partition: beginning.partition,
                    offset: beginning.offset,
                    incarnation,
                    reset,
                },
                cause: beginning.cause,
            })
            .collect())
    }

    fn tell(&self, beginning: &Beginning) {
        let topic = &self.settings.topic;
        let Beginning {
            partition,
            offset,
            cause,
        } = *beginning;
        match cause {
            Cause::First | Cause::GoesOn => {}
            Cause::Gap { lost } => tracing::warn!(
                topic,
                partition,
                offset,
                lost,
                "messages were deleted before they were read"
            ),
            Cause::Truncated { lost } => tracing::warn!(
                topic,
                partition,
                offset,
                lost,
                "the broker has lost messages that were read"
            ),
            Cause::Reset => {
                tracing::info!(topic, partition, offset, "the position was reset");
            }
            Cause::Recreated => {
                tracing::warn!(topic, partition, offset, "the topic was created again");
            }
        }
    }

    fn commit<C: ConsumerContext>(
        &self,
        consumer: &BaseConsumer<C>,
        located: &[Located],
    ) -> KafkaResult<()> {
        let mut list = TopicPartitionList::new();
        for located in located {
            located.begun.add_to(&mut list, &self.settings.topic)?;
        }
        if list.count() == 0 {
            return Ok(());
        }
        // The group's copy: without it nothing is lost.
        if let Err(error) = consumer.commit(&list, CommitMode::Sync) {
            tracing::warn!(%error, topic = self.settings.topic, "could not commit where to begin");
        }
        Ok(())
    }
}
