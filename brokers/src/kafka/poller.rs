//! The thread that polls librdkafka for one source.
//!
//! It never stops polling, so the group keeps its member while the source is full or nobody calls
//! `recv`. What the callbacks of a rebalance wait for blocks this thread and no task.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Message as _, Offset, TopicPartitionList};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::context::{self, Health};
use super::errors::broker_error;
use super::locate::{LocateError, Located, Locator};
use super::message::from_record;
use super::partitions::{Partition, Partitions};
use super::unsettled::Unsettled;
use crate::offsets::Ticket;
use crate::port::{BrokerError, Message};
use crate::positions::Cause;

/// The longest the thread sleeps: how late it may see a stop, a settlement to store, an event.
const TICK: Duration = Duration::from_millis(100);
/// How long a full source only waits. Pausing throws the prefetch away, so a short stall is sat out.
const STALL_BEFORE_PAUSE: Duration = Duration::from_secs(1);
/// How often it is looked for where to begin, where that was not found.
const LOCATE_AGAIN: Duration = Duration::from_secs(2);
/// How long a move within a partition may take.
const SEEK_PATIENCE: Duration = Duration::from_secs(5);

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
    pub(super) locator: Locator,
    /// Partitions of the group's that are not read yet, for it is not known where to begin.
    pub(super) unlocated: Mutex<BTreeSet<i32>>,
    /// A position was refused: the log does not have it.
    pub(super) out_of_range: AtomicBool,
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
    /// When it was last looked for where to begin.
    located: Instant,
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
            located: Instant::now(),
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
        context.note(&self.consumer);
        let committed = context.partitions.commit(&self.consumer, |_| true);
        // Polls until the group is left.
        drop(self.consumer);
        committed.map_err(|error| broker_error(&error, &self.topic, &context.health))
    }

    fn tick(&mut self) {
        self.ticked = Instant::now();
        let context = Arc::clone(self.consumer.context());
        context.note(&self.consumer);
        context.partitions.regulate(&self.consumer, self.paused);
        if self.ticked.duration_since(self.located) < LOCATE_AGAIN {
            return;
        }
        self.located = self.ticked;
        if let Err(error) = context.relocate(&self.consumer) {
            self.send(Err(BrokerError::Other(error.to_string())));
        }
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
        let context = self.consumer.context();
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AutoOffsetReset) {
            context.out_of_range.store(true, Ordering::Relaxed);
            return;
        }
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
    /// Has the positions of what is settled written down, by librdkafka and by the reader.
    fn note(&self, consumer: &BaseConsumer<Self>) {
        self.locator.advance(self.partitions.store(consumer));
    }

    fn assign(
        &self,
        consumer: &BaseConsumer<Self>,
        partitions: &TopicPartitionList,
    ) -> Result<(), LocateError> {
        let assigned = ids(partitions);
        self.unlocated().extend(&assigned);
        let located = self.locator.locate(consumer, &assigned)?;
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
    fn relocate(&self, consumer: &BaseConsumer<Self>) -> Result<(), LocateError> {
        let unlocated: Vec<i32> = self.unlocated().iter().copied().collect();
        if !unlocated.is_empty() {
            let located = self.locator.locate(consumer, &unlocated)?;
            if !located.is_empty() {
                self.begin(consumer, &located)?;
            }
        }
        if !self.out_of_range.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        let positions = consumer.position()?;
        let topic = self.partitions.topic();
        let mut lost = Vec::new();
        for begun in self.partitions.begun() {
            let read = positions.find_partition(topic, begun.partition);
            let position = match read.map(|read| read.offset()) {
                Some(Offset::Offset(offset)) => offset,
                _ => begun.offset,
            };
            let partition = begun.partition;
            if self.locator.is_out_of_range(consumer, partition, position) {
                lost.push(partition);
            }
        }
        if lost.is_empty() {
            return Ok(());
        }
        for Located { begun, cause } in self.locator.locate(consumer, &lost)? {
            // What is under way goes on, unless it is of another log.
            if !matches!(cause, Cause::Gap { .. } | Cause::GoesOn) {
                self.partitions.assign(begun);
            }
            let offset = Offset::Offset(begun.offset);
            consumer.seek(topic, begun.partition, offset, SEEK_PATIENCE)?;
        }
        Ok(())
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
        self.note(consumer);
        // A lost assignment is someone else's already, and the broker would refuse the commit.
        if !consumer.assignment_lost()
            && let Err(error) = self.partitions.commit(consumer, |id| ids.contains(&id))
        {
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
