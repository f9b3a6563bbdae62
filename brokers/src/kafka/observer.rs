//! Finds out what a source is doing: what its broker says of the topic, and how far behind it is.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::watch;

use super::errors::broker_error;
use super::group::GroupContext;
use super::partitions::Unfinished;
use crate::port::BrokerError;
use crate::status::{Lag, SourceState, SourceStatus};

/// How often it is looked while the source reads.
const EVERY: Duration = Duration::from_secs(5);
/// How often while it does not, and at most.
const SOON: Duration = Duration::from_secs(1);
/// How long the broker may take to answer. The source reads nothing meanwhile.
const PATIENCE: Duration = Duration::from_secs(1);

/// Looks at the broker from time to time, on the thread of the source.
pub(super) struct Observer {
    status: watch::Sender<SourceStatus>,
    looked: Option<Instant>,
    /// How many partitions were read then.
    read: usize,
    /// An error was heard of since.
    is_stirred: bool,
}

impl Observer {
    pub(super) fn new(status: watch::Sender<SourceStatus>) -> Self {
        Self {
            status,
            looked: None,
            read: 0,
            is_stirred: false,
        }
    }

    /// Has it look again soon.
    pub(super) fn stir(&mut self) {
        self.is_stirred = true;
    }

    /// Looks, if it is time to, or if other partitions are read than before.
    pub(super) fn tick(&mut self, consumer: &BaseConsumer<GroupContext>, topic: &str) {
        let is_assigned = matches!(self.status.borrow().state, SourceState::Assigned { .. });
        let read = consumer.context().partitions.count();
        let every = match is_assigned && read > 0 && !self.is_stirred {
            true => EVERY,
            false => SOON,
        };
        let is_due = self.looked.is_none_or(|looked| looked.elapsed() >= every);
        if !is_due && read == self.read {
            return;
        }
        self.is_stirred = false;
        self.read = read;
        self.status.send_replace(look(consumer, topic));
        self.looked = Some(Instant::now());
    }
}

fn look(consumer: &BaseConsumer<GroupContext>, topic: &str) -> SourceStatus {
    let context = consumer.context();
    let unfinished = context.partitions.unfinished();
    if !unfinished.is_empty()
        && let Ok(lag) = lag(consumer, topic, &unfinished)
    {
        context.health.recovered();
        let partitions = u32::try_from(unfinished.len()).unwrap_or(u32::MAX);
        return SourceStatus {
            state: SourceState::Assigned { partitions },
            lag: Some(lag),
        };
    }
    let mut lag = None;
    let state = match find(consumer, topic) {
        Ok(()) => {
            context.health.recovered();
            let is_assigned = context.has_joined.load(Ordering::Relaxed) && !context.is_locating();
            match u32::try_from(unfinished.len()).unwrap_or(u32::MAX) {
                0 if !is_assigned => SourceState::Joining,
                partitions => {
                    lag = (partitions == 0).then(nothing);
                    SourceState::Assigned { partitions }
                }
            }
        }
        Err(error) => match broker_error(&error, topic, &context.health) {
            BrokerError::NoTopic(_) => SourceState::TopicMissing,
            BrokerError::Unreachable(reason) => SourceState::Unreachable(reason),
            other => SourceState::Unreachable(other.to_string()),
        },
    };
    SourceStatus { state, lag }
}

/// The lag of a source without partitions.
fn nothing() -> Lag {
    Lag {
        messages: 0,
        oldest: None,
        measured: Instant::now(),
    }
}

/// Whether the broker has the topic.
fn find(consumer: &BaseConsumer<GroupContext>, topic: &str) -> KafkaResult<()> {
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE)?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    let error = match found {
        Some(found) => found.error().map(RDKafkaErrorCode::from),
        None => Some(RDKafkaErrorCode::UnknownTopicOrPartition),
    };
    error.map_or(Ok(()), |code| Err(KafkaError::MetadataFetch(code)))
}

/// How much is not done of those partitions.
fn lag(
    consumer: &BaseConsumer<GroupContext>,
    topic: &str,
    unfinished: &[Unfinished],
) -> KafkaResult<Lag> {
    let mut wanted = TopicPartitionList::new();
    for Unfinished { partition, .. } in unfinished {
        wanted.add_partition_offset(topic, *partition, Offset::End)?;
    }
    // One request for each broker that leads some of them.
    let found = consumer.offsets_for_times(wanted, PATIENCE)?;
    let mut ends = HashMap::new();
    for element in found.elements() {
        element.error()?;
        if let Offset::Offset(end) = element.offset() {
            ends.insert(element.partition(), end);
        }
    }
    let messages = unfinished.iter().map(|unfinished| {
        let end = ends.get(&unfinished.partition);
        let end = end.ok_or(KafkaError::OffsetFetch(RDKafkaErrorCode::NoOffset))?;
        Ok(u64::try_from(end - unfinished.from).unwrap_or(0))
    });
    let messages = messages.sum::<KafkaResult<u64>>()?;
    let oldest = unfinished.iter().filter_map(|unfinished| unfinished.oldest);
    Ok(Lag {
        messages,
        oldest: oldest.min(),
        measured: Instant::now(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::kafka::{EmbeddedKafka, KafkaBroker};
    use crate::port::{Broker, SourceSettings, Start};
    use crate::positions::MemoryPositions;

    /// Far longer than a client needs to see that its broker is gone or back.
    const PATIENCE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_source_without_messages_sees_its_broker_go_and_come_back() {
        let kafka = EmbeddedKafka::start(&[("events", 1)]).unwrap();
        let settings = SourceSettings {
            topic: "events".to_owned(),
            group: "status".to_owned(),
            start: Start::Earliest,
            max_unsettled: 10,
            memory: crate::Memory::default(),
            positions: Arc::<MemoryPositions>::default(),
        };
        let broker = KafkaBroker::new(kafka.settings());
        let source = broker.source(settings).await.unwrap();
        let mut status = source.status();
        let mut until = async |wanted: fn(&SourceState) -> bool| {
            let found = status.wait_for(|status| wanted(&status.state));
            let found = tokio::time::timeout(PATIENCE, found).await;
            assert!(found.is_ok(), "{:?}", *source.status().borrow());
        };
        let is_assigned: fn(&SourceState) -> bool =
            |state| *state == SourceState::Assigned { partitions: 1 };
        until(is_assigned).await;
        kafka.cluster().broker_down(1).unwrap();
        until(|state| matches!(state, SourceState::Unreachable(_))).await;
        kafka.cluster().broker_up(1).unwrap();
        until(is_assigned).await;
        source.close().await.unwrap();
    }
}
