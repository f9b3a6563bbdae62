//! Finds out what a source is doing: what its broker says of the topic, and how far behind it is.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use tokio::sync::watch;

use super::ends::{self, Ends};
use super::errors::broker_error;
use super::group::GroupContext;
use super::partitions::Unfinished;
use crate::port::BrokerError;
use crate::status::{Lag, SourceState, SourceStatus};

/// How often it is looked while the source reads.
const EVERY: Duration = Duration::from_secs(5);
/// How often while it does not, and at most.
const SOON: Duration = Duration::from_secs(1);
/// How often it is looked for transactions that do not end, where there seems to be nothing to read.
const TRANSACTIONS_EVERY: Duration = Duration::from_secs(10);
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
    transactions: Transactions,
}

/// Transactions that have not ended.
struct Transactions {
    ends: Arc<Ends>,
    looked: Option<Instant>,
    /// Where they begin, by partition: seen twice at one place, one has been open for a while.
    seen: HashMap<i32, i64>,
}

impl Observer {
    pub(super) fn new(status: watch::Sender<SourceStatus>, ends: Arc<Ends>) -> Self {
        Self {
            status,
            looked: None,
            read: 0,
            is_stirred: false,
            transactions: Transactions {
                ends,
                looked: None,
                seen: HashMap::new(),
            },
        }
    }

    /// Has it look again soon.
    pub(super) fn stir(&mut self) {
        self.is_stirred = true;
    }

    /// Looks, if it is time to, or if other partitions are read than before.
    pub(super) fn tick(&mut self, consumer: &BaseConsumer<GroupContext>, topic: &str) {
        let reads = matches!(
            self.status.borrow().state,
            SourceState::Assigned { .. } | SourceState::TransactionOpen { .. }
        );
        let read = consumer.context().partitions.count();
        let every = match reads && read > 0 && !self.is_stirred {
            true => EVERY,
            false => SOON,
        };
        let is_due = self.looked.is_none_or(|looked| looked.elapsed() >= every);
        if !is_due && read == self.read {
            return;
        }
        self.is_stirred = false;
        self.read = read;
        self.status
            .send_replace(self.transactions.look(consumer, topic));
        self.looked = Some(Instant::now());
    }
}

impl Transactions {
    fn look(&mut self, consumer: &BaseConsumer<GroupContext>, topic: &str) -> SourceStatus {
        let context = consumer.context();
        let unfinished = context.partitions.unfinished();
        let of = unfinished.iter().map(|unfinished| unfinished.partition);
        if !unfinished.is_empty()
            && let Ok(ends) = ends::of(consumer, topic, of)
        {
            context.health.recovered();
            let partitions = u32::try_from(unfinished.len()).unwrap_or(u32::MAX);
            let lag = lag(&ends, &unfinished);
            let unreadable = match lag.messages {
                0 => self.unreadable(topic, &ends),
                _ => 0,
            };
            let state = match unreadable {
                0 => SourceState::Assigned { partitions },
                messages => SourceState::TransactionOpen {
                    partitions,
                    messages,
                },
            };
            return SourceStatus {
                state,
                lag: Some(lag),
            };
        }
        without_ends(consumer, topic, unfinished.len())
    }

    /// How many messages are at most in transactions that have been open for a while, and behind
    /// them, where readers of what is committed have read up to `ends`.
    fn unreadable(&mut self, topic: &str, ends: &HashMap<i32, i64>) -> u64 {
        let is_due = self
            .looked
            .is_none_or(|looked| looked.elapsed() >= TRANSACTIONS_EVERY);
        if !is_due && self.seen.is_empty() {
            return 0;
        }
        self.looked = Some(Instant::now());
        let Ok(last) = self.ends.of(topic, ends.keys().copied()) else {
            return 0;
        };
        let mut open = HashMap::new();
        let mut messages = 0;
        for (partition, end) in ends {
            let behind = last.get(partition).map_or(0, |last| last - end);
            let Ok(behind @ 1..) = u64::try_from(behind) else {
                continue;
            };
            open.insert(*partition, *end);
            if self.seen.get(partition) == Some(end) {
                messages += behind;
            }
        }
        self.seen = open;
        messages
    }
}

/// The status of a source of which it is not known how far it is behind.
fn without_ends(
    consumer: &BaseConsumer<GroupContext>,
    topic: &str,
    assigned: usize,
) -> SourceStatus {
    let context = consumer.context();
    let mut lag = None;
    let state = match find(consumer, topic) {
        Ok(()) => {
            context.health.recovered();
            let is_assigned = context.has_joined.load(Ordering::Relaxed) && !context.is_locating();
            match u32::try_from(assigned).unwrap_or(u32::MAX) {
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

/// How much is not done of those partitions, which end there.
fn lag(ends: &HashMap<i32, i64>, unfinished: &[Unfinished]) -> Lag {
    let left = unfinished.iter().filter(|unfinished| !unfinished.is_done);
    let messages = left.map(|unfinished| {
        let end = ends.get(&unfinished.partition).copied().unwrap_or_default();
        u64::try_from(end - unfinished.from).unwrap_or(0)
    });
    let messages = messages.sum();
    let oldest = unfinished.iter().filter_map(|unfinished| unfinished.oldest);
    Lag {
        messages,
        oldest: oldest.min(),
        measured: Instant::now(),
    }
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
