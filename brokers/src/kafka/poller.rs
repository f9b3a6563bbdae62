//! The thread that polls librdkafka for one source.
//!
//! It never stops polling, so the group keeps its member while the source is full or nobody calls
//! `recv`. What the callbacks of a rebalance wait for blocks this thread and no task.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Message as _, TopicPartitionList};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::context::{self, Health};
use super::errors::broker_error;
use super::message::from_record;
use super::partitions::{Partition, Partitions};
use super::start::first_offsets;
use super::unsettled::Unsettled;
use crate::offsets::Ticket;
use crate::port::{BrokerError, Message, Start};

/// The longest the thread sleeps: how late it may see a stop, a settlement to store, an event.
const TICK: Duration = Duration::from_millis(100);
/// How long a full source only waits. Pausing throws the prefetch away, so a short stall is sat out.
const STALL_BEFORE_PAUSE: Duration = Duration::from_secs(1);

/// A message on its way to `recv`.
pub(super) struct HandedOut {
    pub(super) partition: Arc<Partition>,
    pub(super) ticket: Ticket,
    pub(super) message: Message,
}

pub(super) type Event = Result<HandedOut, BrokerError>;

/// The group's side of a source: what librdkafka calls back.
pub(super) struct GroupContext {
    pub(super) health: Health,
    pub(super) partitions: Partitions,
    pub(super) start: Start,
}

pub(super) struct Poller {
    consumer: BaseConsumer<GroupContext>,
    topic: Arc<str>,
    unsettled: Arc<Unsettled>,
    events: mpsc::Sender<Event>,
    /// Read although there was no room.
    early: VecDeque<(Message, i32, i64)>,
    stalled_since: Option<Instant>,
    paused: bool,
    ticked: Instant,
}

impl Poller {
    pub(super) fn new(
        consumer: BaseConsumer<GroupContext>,
        topic: &str,
        unsettled: Arc<Unsettled>,
        events: mpsc::Sender<Event>,
    ) -> Self {
        Self {
            consumer,
            topic: topic.into(),
            unsettled,
            events,
            early: VecDeque::new(),
            stalled_since: None,
            paused: false,
            ticked: Instant::now(),
        }
    }

    /// Reads until the source is stopped, commits what is settled, and leaves the group.
    pub(super) fn run(mut self) -> Result<(), BrokerError> {
        self.unsettled.register();
        while !self.unsettled.is_stopping() {
            if self.ticked.elapsed() >= TICK {
                self.tick();
            }
            if self.unsettled.is_open(self.paused) && self.events.capacity() > 0 {
                self.go_on();
            } else {
                self.wait_for_room();
            }
        }
        let context = Arc::clone(self.consumer.context());
        let committed = context.partitions.commit(&self.consumer, |_| true);
        // Polls until the group is left.
        drop(self.consumer);
        committed.map_err(|error| broker_error(&error, &self.topic, &context.health))
    }

    fn tick(&mut self) {
        self.ticked = Instant::now();
        let partitions = &self.consumer.context().partitions;
        partitions.store(&self.consumer);
        partitions.regulate(&self.consumer, self.paused);
    }

    fn go_on(&mut self) {
        self.stalled_since = None;
        if self.paused {
            self.paused = false;
            self.tick();
        }
        if let Some((message, partition, offset)) = self.early.pop_front() {
            self.hand_out(message, partition, offset);
            return;
        }
        match self.consumer.poll(TICK) {
            None => {}
            Some(Ok(record)) => {
                let (message, partition, offset) = self.take(&record);
                drop(record);
                self.hand_out(message, partition, offset);
            }
            Some(Err(error)) => self.report(&error),
        }
    }

    fn wait_for_room(&mut self) {
        let since = *self.stalled_since.get_or_insert_with(Instant::now);
        if !self.paused && since.elapsed() >= STALL_BEFORE_PAUSE {
            self.paused = true;
            self.tick();
        }
        if self.paused {
            match self.consumer.poll(Duration::ZERO) {
                None => {}
                Some(Ok(record)) => {
                    let early = self.take(&record);
                    drop(record);
                    self.early.push_back(early);
                }
                Some(Err(error)) => self.report(&error),
            }
            // Partitions that this poll brought are not paused yet.
            self.consumer
                .context()
                .partitions
                .regulate(&self.consumer, true);
        }
        self.unsettled.wait_for_room(self.paused, TICK);
    }

    fn take(&self, record: &BorrowedMessage<'_>) -> (Message, i32, i64) {
        self.consumer.context().health.recovered();
        (
            from_record(record, &self.topic),
            record.partition(),
            record.offset(),
        )
    }

    fn hand_out(&self, message: Message, partition: i32, offset: i64) {
        let partitions = &self.consumer.context().partitions;
        let Some(partition) = partitions.partition(partition) else {
            return;
        };
        let ticket = partition.hand_out(offset);
        let is_full = partition.backlog() >= partitions.max_backlog();
        self.send(Ok(HandedOut {
            partition,
            ticket,
            message,
        }));
        if is_full {
            partitions.regulate(&self.consumer, self.paused);
        }
    }

    fn report(&self, error: &KafkaError) {
        let single = matches!(
            error.rdkafka_error_code(),
            Some(RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::Resolve)
        );
        // One of several connections failed; when none is left, another error says so.
        if !single {
            let health = &self.consumer.context().health;
            self.send(Err(broker_error(error, &self.topic, health)));
        }
    }

    fn send(&self, event: Event) {
        match self.events.try_send(event) {
            // A dropped source stops this thread in a moment.
            Ok(()) | Err(TrySendError::Closed(_)) => {}
            // Only errors come without looking for room first, and then there are messages to read.
            Err(TrySendError::Full(event)) => {
                debug_assert!(
                    event.is_err(),
                    "messages are handed out only while there is room"
                );
            }
        }
    }
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
    fn assign(
        &self,
        consumer: &BaseConsumer<Self>,
        partitions: &TopicPartitionList,
    ) -> KafkaResult<()> {
        let (all, new) = first_offsets(consumer, partitions, self.start);
        self.partitions.assign(&ids(partitions));
        match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_assign(&all)?,
            RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.assign(&all)?,
        }
        match new.count() {
            0 => Ok(()),
            _ => consumer.store_offsets(&new),
        }
    }

    fn revoke(
        &self,
        consumer: &BaseConsumer<Self>,
        partitions: &TopicPartitionList,
    ) -> KafkaResult<()> {
        let ids = ids(partitions);
        // A lost assignment is someone else's already, and the broker would refuse the commit.
        if !consumer.assignment_lost()
            && let Err(error) = self.partitions.commit(consumer, |id| ids.contains(&id))
        {
            tracing::warn!(%error, "could not commit before partitions were taken away");
        }
        self.partitions.revoke(&ids);
        // librdkafka keeps a pause beyond the assignment, and a partition that comes back is taken
        // for one that is read.
        if let Err(error) = consumer.resume(partitions) {
            tracing::warn!(%error, "could not resume partitions before they were taken away");
        }
        match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_unassign(partitions),
            RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.unassign(),
        }
    }
}

fn ids(partitions: &TopicPartitionList) -> Vec<i32> {
    let elements = partitions.elements();
    elements.iter().map(|element| element.partition()).collect()
}
