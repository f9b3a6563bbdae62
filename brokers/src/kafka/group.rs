//! A source as a member of its group: what librdkafka calls back, and where partitions begin.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};

use super::context::{self, Health};
use super::locate::{LocateError, Located, Locator};
use super::partitions::{Begun, Partitions};
use crate::positions::Cause;

/// The group's side of a source: what librdkafka calls back.
pub(super) struct GroupContext {
    pub(super) health: Health,
    pub(super) partitions: Partitions,
    pub(super) locator: Locator,
    /// How long partitions are kept from their next reader for what was begun.
    pub(super) drain: Duration,
    /// Partitions of the group's that are not read yet, for it is not known where to begin.
    pub(super) unlocated: Mutex<BTreeSet<i32>>,
    /// A position was refused, or the topic was not there: the log may be another one.
    pub(super) suspect: AtomicBool,
    /// The group has given out its partitions, and this member may have some.
    pub(super) has_joined: AtomicBool,
}

impl ClientContext for GroupContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        context::log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.health.error(error, reason);
    }
}

impl ConsumerContext for GroupContext {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        kind: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let outcome = match kind {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                self.assign(consumer, partitions)
            }
            _ => self.revoke(consumer, partitions),
        };
        if let Err(error) = outcome {
            tracing::error!(%error, "could not take part in a rebalance");
        }
    }
}

impl GroupContext {
    /// Has the positions of what is settled written down, by librdkafka and by the reader.
    pub(super) fn note(&self, consumer: &BaseConsumer<Self>) {
        self.locator.advance(self.partitions.store(consumer));
    }

    fn assign(
        &self,
        consumer: &BaseConsumer<Self>,
        partitions: &TopicPartitionList,
    ) -> Result<(), LocateError> {
        self.has_joined.store(true, Ordering::Relaxed);
        let assigned = ids(partitions);
        self.unlocated().extend(&assigned);
        let located = self.locator.locate(consumer, &assigned, &HashMap::new())?;
        self.begin(consumer, &located)
    }

    /// Begins to read partitions of the group's.
    fn begin(&self, consumer: &BaseConsumer<Self>, located: &[Located]) -> Result<(), LocateError> {
        let mut list = TopicPartitionList::new();
        for Located { begun, .. } in located {
            self.unlocated().remove(&begun.partition);
            self.partitions.assign(*begun);
            begun.add_to(&mut list, self.partitions.topic())?;
        }
        match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_assign(&list)?,
            RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.assign(&list)?,
        }
        if list.count() > 0 {
            consumer.store_offsets(&list)?;
        }
        Ok(())
    }

    /// Looks again for where to begin: in partitions that could not be looked at, and in those whose
    /// log does not have the position that is read.
    pub(super) fn relocate(&self, consumer: &BaseConsumer<Self>) -> Result<(), LocateError> {
        let unlocated: Vec<i32> = self.unlocated().iter().copied().collect();
        if !unlocated.is_empty() {
            let located = self.locator.locate(consumer, &unlocated, &HashMap::new())?;
            if !located.is_empty() {
                self.begin(consumer, &located)?;
            }
        }
        if !self.suspect.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        // Where one partition is of another log, the others are, too.
        let held = self.partitions.begun();
        let ids: Vec<i32> = held.iter().map(|begun| begun.partition).collect();
        let witnesses = self.partitions.witnesses();
        let mut located = self.locator.locate(consumer, &ids, &witnesses)?;
        if located.len() < held.len() {
            self.suspect.store(true, Ordering::Relaxed);
        }
        let lost = self.out_of_range(consumer, &held)?;
        located.retain(|located| match located.cause {
            Cause::Recreated | Cause::Truncated { .. } => true,
            _ => lost.contains(&located.begun.partition),
        });
        if located.is_empty() {
            return Ok(());
        }
        let mut list = TopicPartitionList::new();
        for located in &located {
            located.begun.add_to(&mut list, self.partitions.topic())?;
        }
        // As a partition is given up, librdkafka commits what it has stored: of the log before.
        if let Err(error) = consumer.store_offsets(&list) {
            tracing::warn!(%error, "could not store where partitions begin again");
        }
        // A partition whose position was refused cannot be moved otherwise.
        consumer.incremental_unassign(&list)?;
        self.begin(consumer, &located)
    }

    /// The partitions whose logs do not have the position that is read.
    fn out_of_range(
        &self,
        consumer: &BaseConsumer<Self>,
        held: &[Begun],
    ) -> Result<Vec<i32>, LocateError> {
        let positions = consumer.position()?;
        let topic = self.partitions.topic();
        let lost = held.iter().filter(|begun| {
            let read = positions.find_partition(topic, begun.partition);
            let position = match read.map(|read| read.offset()) {
                Some(Offset::Offset(offset)) => offset,
                _ => begun.offset,
            };
            self.locator
                .is_out_of_range(consumer, begun.partition, position)
        });
        Ok(lost.map(|begun| begun.partition).collect())
    }

    /// Whether partitions of the group's are not read yet.
    pub(super) fn is_locating(&self) -> bool {
        !self.unlocated().is_empty()
    }

    fn unlocated(&self) -> MutexGuard<'_, BTreeSet<i32>> {
        self.unlocated
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn revoke(
        &self,
        consumer: &BaseConsumer<Self>,
        partitions: &TopicPartitionList,
    ) -> Result<(), LocateError> {
        let mut given = TopicPartitionList::new();
        let ids = ids(partitions);
        for id in &ids {
            // One that is not read yet was never begun.
            if !self.unlocated().remove(id) {
                given.add_partition(self.partitions.topic(), *id);
            }
        }
        // Nothing is begun any more, and what was may end, unless somebody else has it already.
        if !consumer.assignment_lost() {
            self.partitions.drain(&ids, self.drain);
        }
        self.note(consumer);
        // A lost assignment is someone else's already, and the broker would refuse the commit.
        if consumer.assignment_lost() {
            self.has_joined.store(false, Ordering::Relaxed);
        } else if let Err(error) = self.partitions.commit(consumer, |id| ids.contains(&id)) {
            tracing::warn!(%error, "could not commit before partitions were taken away");
        }
        self.partitions.revoke(&ids);
        // librdkafka keeps a pause beyond the assignment, and a partition that comes back is taken
        // for one that is read.
        if let Err(error) = consumer.resume(&given) {
            tracing::warn!(%error, "could not resume partitions before they were taken away");
        }
        match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_unassign(&given)?,
            RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.unassign()?,
        }
        Ok(())
    }
}

fn ids(partitions: &TopicPartitionList) -> Vec<i32> {
    let elements = partitions.elements();
    elements.iter().map(|element| element.partition()).collect()
}
