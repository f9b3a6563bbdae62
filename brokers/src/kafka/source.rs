//! A member of a consumer group as a source of the port.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use rdkafka::consumer::{BaseConsumer, Consumer};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};

use super::KafkaSettings;
use super::config;
use super::context::Health;
use super::ends::Ends;
use super::errors::broker_error;
use super::group::GroupContext;
use super::locate::Locator;
use super::observer::Observer;
use super::partition::Partition;
use super::partitions::Partitions;
use super::poller::{Event, Poller};
use super::unsettled::Unsettled;
use crate::memory::Room;
use crate::offsets::Ticket;
use crate::port::{BrokerError, Delivery, Hold, Source, SourceSettings};
use crate::status::SourceStatus;

/// How long it is waited for that nothing is fetched any more.
const HOLD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long partitions are kept from their next reader for calls that are under way: in a moment
/// these would be made twice.
const DRAIN: Duration = Duration::from_secs(5);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);
/// Above it a source would hold more messages than a process should.
const MAX_UNSETTLED: usize = 1_000_000;

/// The receiving end of a [`Poller`]'s thread.
///
/// Messages that are handed out and never settled stay in the count until their partition is taken
/// away. A partition with a stuck first message is read on until 16 times the bound on unsettled
/// messages (at least 10,000) are settled behind it; then it waits, and the others go on.
pub(super) struct KafkaSource {
    events: mpsc::Receiver<Event>,
    unsettled: Arc<Unsettled>,
    finished: Option<oneshot::Receiver<Result<(), BrokerError>>>,
    status: watch::Receiver<SourceStatus>,
    /// Whether the thread fetches nothing, as it was told.
    holds: watch::Receiver<bool>,
}

impl KafkaSource {
    pub(super) fn open(
        kafka: &KafkaSettings,
        settings: SourceSettings,
        ends: Arc<Ends>,
    ) -> Result<Self, BrokerError> {
        let max_unsettled = settings.max_unsettled.clamp(1, MAX_UNSETTLED);
        let unsettled = Arc::new(Unsettled::new(max_unsettled));
        let max_backlog = (16 * max_unsettled).max(10_000);
        let context = GroupContext {
            health: Health::new(kafka),
            partitions: Partitions::new(
                settings.topic.clone(),
                Arc::clone(&unsettled),
                max_backlog,
            ),
            locator: Locator::new(kafka.clone(), settings.clone(), Handle::current()),
            drain: DRAIN.min(kafka.session_timeout / 2),
            unlocated: Mutex::default(),
            suspect: AtomicBool::new(false),
            has_joined: AtomicBool::new(false),
        };
        let failed = |error| broker_error(&error, &settings.topic, &Health::default());
        let consumer: BaseConsumer<GroupContext> = config::consumer(kafka, &settings)
            .create_with_context(context)
            .map_err(failed)?;
        consumer.subscribe(&[&settings.topic]).map_err(failed)?;

        let (sender, events) = mpsc::channel(max_unsettled);
        let (done, finished) = oneshot::channel();
        let (held, holds) = watch::channel(false);
        let (teller, status) = watch::channel(SourceStatus::default());
        let poller = Poller::new(
            consumer,
            &settings.topic,
            settings.memory.clone(),
            Arc::clone(&unsettled),
            sender,
            held,
            Observer::new(teller, ends),
        );
        thread::Builder::new()
            .name("kafka-source".to_owned())
            .spawn(move || {
                // Nobody waits after the source was dropped or the close took too long.
                let _ = done.send(poller.run());
            })
            .map_err(|error| BrokerError::Other(format!("no thread to read on: {error}")))?;
        Ok(Self {
            events,
            unsettled,
            finished: Some(finished),
            status,
            holds,
        })
    }
}

#[async_trait]
impl Source for KafkaSource {
    async fn recv(&mut self) -> Result<Delivery, BrokerError> {
        loop {
            let event = self.events.recv().await;
            let handed_out = event.unwrap_or_else(|| {
                Err(BrokerError::Other(
                    "the reading thread has ended".to_owned(),
                ))
            })?;
            if handed_out.partition.is_leaving() {
                // Its next reader has it. The thread may wait for the place it took here.
                self.unsettled.wake();
                continue;
            }
            let held = Held {
                partition: handed_out.partition,
                ticket: handed_out.ticket,
                begun: AtomicBool::new(false),
                _room: handed_out.room,
            };
            return Ok(Delivery::new(handed_out.message, held));
        }
    }

    fn status(&self) -> watch::Receiver<SourceStatus> {
        self.status.clone()
    }

    async fn hold(&mut self, hold: bool) {
        self.unsettled.hold(hold);
        let done = self.holds.wait_for(|holds| *holds == hold);
        // An error means that the thread has ended, which fetches nothing.
        if tokio::time::timeout(HOLD_TIMEOUT, done).await.is_err() {
            tracing::warn!("a source was slow to stop fetching, or to go on");
        }
    }

    async fn close(mut self: Box<Self>) -> Result<(), BrokerError> {
        self.unsettled.stop();
        let finished = self.finished.take().expect("closed once");
        match tokio::time::timeout(CLOSE_TIMEOUT, finished).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(BrokerError::Other(
                "the reading thread has failed".to_owned(),
            )),
            Err(_) => Err(BrokerError::Unreachable(
                "the group was not left in time; what was settled last may come again".to_owned(),
            )),
        }
    }
}

/// A message of a partition.
struct Held {
    partition: Arc<Partition>,
    ticket: Ticket,
    /// Whether something was begun that the partition waits for before it is given away.
    begun: AtomicBool,
    /// What the message takes in memory.
    _room: Room,
}

impl Hold for Held {
    fn settle(self: Box<Self>) {
        self.partition.settle(self.ticket);
    }

    fn is_lost(&self) -> bool {
        match self.begun.load(Ordering::Acquire) {
            true => self.partition.is_revoked(),
            false => self.partition.is_leaving(),
        }
    }

    fn begin(&self) -> bool {
        if self.begun.load(Ordering::Acquire) {
            return !self.partition.is_revoked();
        }
        let begun = self.partition.begin();
        self.begun.store(begun, Ordering::Release);
        begun
    }

    fn rest(&self) {
        if self.begun.swap(false, Ordering::AcqRel) {
            self.partition.rest();
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.rest();
    }
}

impl Drop for KafkaSource {
    fn drop(&mut self) {
        self.unsettled.stop();
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::kafka::{EmbeddedKafka, KafkaBroker};
    use crate::memory::Memory;
    use crate::metadata::Metadata;
    use crate::port::{Broker, Outgoing, Start};
    use crate::positions::MemoryPositions;

    /// Far longer than a client needs to see that its broker is gone or back.
    const PATIENCE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_source_goes_on_by_itself_each_time_its_broker_was_away() {
        let kafka = EmbeddedKafka::start(&[("events", 1)]).unwrap();
        let broker = KafkaBroker::new(kafka.settings());
        let sink = broker.sink().await.unwrap();
        let settings = SourceSettings {
            topic: "events".to_owned(),
            group: "away".to_owned(),
            start: Start::Earliest,
            max_unsettled: 10,
            memory: Memory::default(),
            positions: Arc::<MemoryPositions>::default(),
        };
        let mut source = broker.source(settings).await.unwrap();
        for round in ["first", "second", "third"] {
            kafka.cluster().broker_down(1).unwrap();
            let told = async {
                loop {
                    // A message that was written twice.
                    if let Err(error) = source.recv().await {
                        return error;
                    }
                }
            };
            let told = tokio::time::timeout(PATIENCE, told).await;
            let told = told.expect("an error in time");
            assert!(matches!(told, BrokerError::Unreachable(_)), "{told:?}");
            kafka.cluster().broker_up(1).unwrap();
            let outgoing = Outgoing {
                topic: "events".to_owned(),
                key: None,
                headers: Vec::new(),
                metadata: Metadata::default(),
                body: Some(Bytes::from_static(round.as_bytes())),
            };
            // The sink may give up before it finds its way back, and the source tells of errors
            // while the broker is away. What was given up may have been written.
            let read = async {
                while sink.publish(outgoing.clone()).await.is_err() {}
                loop {
                    let Ok(delivery) = source.recv().await else {
                        continue;
                    };
                    let body = delivery.message.body.clone();
                    delivery.settle();
                    if body == outgoing.body {
                        break;
                    }
                }
            };
            let read = tokio::time::timeout(PATIENCE, read).await;
            read.expect("a message in time");
        }
        source.close().await.unwrap();
    }

    #[tokio::test]
    async fn a_source_reads_on_each_time_the_leaders_of_its_partitions_move() {
        const PARTITIONS: i32 = 3;
        let kafka = EmbeddedKafka::start_of(3, &[("events", PARTITIONS)]).unwrap();
        let broker = KafkaBroker::new(kafka.settings());
        let sink = broker.sink().await.unwrap();
        let settings = SourceSettings {
            topic: "events".to_owned(),
            group: "moving".to_owned(),
            start: Start::Earliest,
            max_unsettled: 10,
            memory: crate::Memory::default(),
            positions: Arc::<MemoryPositions>::default(),
        };
        let mut source = broker.source(settings).await.unwrap();
        for round in 0..6 {
            for partition in 0..PARTITIONS {
                let leader = 1 + (partition + round) % 3;
                let cluster = kafka.cluster();
                let moved = cluster.partition_leader("events", partition, Some(leader));
                moved.unwrap();
            }
            // Keys of every partition.
            let keys = (0..20).map(|key| Bytes::from(format!("{round} {key}")));
            let mut wanted: std::collections::BTreeSet<_> = keys.collect();
            let written = wanted.iter().map(|key| {
                let outgoing = Outgoing {
                    topic: "events".to_owned(),
                    key: Some(key.clone()),
                    headers: Vec::new(),
                    metadata: Metadata::default(),
                    body: Some(key.clone()),
                };
                sink.publish(outgoing)
            });
            for written in futures_util::future::join_all(written).await {
                written.unwrap();
            }
            while !wanted.is_empty() {
                let received = tokio::time::timeout(PATIENCE, source.recv()).await;
                let Ok(delivery) = received.expect("a message in time") else {
                    continue;
                };
                wanted.remove(delivery.message.body.as_ref().unwrap());
                delivery.settle();
            }
        }
        source.close().await.unwrap();
    }
}
