//! The thread that polls librdkafka for one source.
//!
//! It never stops polling, so the group keeps its member while the source is full or nobody calls
//! `recv`. What the callbacks of a rebalance wait for blocks this thread and no task.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rdkafka::Message as _;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};

use super::errors::broker_error;
use super::group::GroupContext;
use super::message::from_record;
use super::observer::Observer;
use super::partition::Partition;
use super::unsettled::Unsettled;
use crate::memory::{Memory, Room};
use crate::offsets::Ticket;
use crate::port::{BrokerError, Message};

/// The longest the thread sleeps: how late it may see a stop, a settlement to store, an event.
const TICK: Duration = Duration::from_millis(100);
/// How long a full source only waits. Pausing throws the prefetch away, so a short stall is sat out.
const STALL_BEFORE_PAUSE: Duration = Duration::from_secs(1);
/// How often it is looked for where to begin, where that was not found.
const LOCATE_AGAIN: Duration = Duration::from_secs(2);

/// A message on its way to `recv`.
pub(super) struct HandedOut {
    pub(super) partition: Arc<Partition>,
    pub(super) ticket: Ticket,
    pub(super) message: Message,
    pub(super) room: Room,
}

/// A message that was read, and what it takes in memory.
struct Read {
    message: Message,
    partition: i32,
    offset: i64,
    room: Room,
}

pub(super) type Event = Result<HandedOut, BrokerError>;

pub(super) struct Poller {
    consumer: BaseConsumer<GroupContext>,
    topic: Arc<str>,
    memory: Memory,
    unsettled: Arc<Unsettled>,
    events: mpsc::Sender<Event>,
    /// Tells that nothing is fetched, as it was wanted.
    holds: watch::Sender<bool>,
    /// Read although there was no room.
    early: VecDeque<Read>,
    stalled_since: Option<Instant>,
    paused: bool,
    ticked: Instant,
    /// When it was last looked for where to begin.
    located: Instant,
    observer: Observer,
}

impl Poller {
    pub(super) fn new(
        consumer: BaseConsumer<GroupContext>,
        topic: &str,
        memory: Memory,
        unsettled: Arc<Unsettled>,
        events: mpsc::Sender<Event>,
        holds: watch::Sender<bool>,
        observer: Observer,
    ) -> Self {
        Self {
            consumer,
            topic: topic.into(),
            memory,
            unsettled,
            events,
            holds,
            early: VecDeque::new(),
            stalled_since: None,
            paused: false,
            ticked: Instant::now(),
            located: Instant::now(),
            observer,
        }
    }

    /// Reads until the source is stopped, commits what is settled, and leaves the group.
    pub(super) fn run(mut self) -> Result<(), BrokerError> {
        self.unsettled.register();
        while !self.unsettled.is_stopping() {
            if self.ticked.elapsed() >= TICK {
                self.tick();
            }
            let held = self.unsettled.is_held();
            if held != *self.holds.borrow() {
                self.hold(held);
            }
            if !held && self.has_room() {
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

    /// Whether a message may be handed out.
    fn has_room(&self) -> bool {
        self.unsettled.is_open(self.paused)
            && self.events.capacity() > 0
            && (!self.memory.is_full() || self.unsettled.is_empty())
    }

    /// Pauses all partitions at once; the one that goes on resumes them when there is room.
    fn hold(&mut self, held: bool) {
        if held && !self.paused {
            self.paused = true;
            let partitions = &self.consumer.context().partitions;
            partitions.regulate(&self.consumer, true);
        }
        self.holds.send_replace(held);
    }

    fn tick(&mut self) {
        self.ticked = Instant::now();
        let context = Arc::clone(self.consumer.context());
        context.note(&self.consumer);
        context.partitions.regulate(&self.consumer, self.paused);
        self.observer.tick(&self.consumer, &self.topic);
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
        if let Some(early) = self.early.pop_front() {
            self.hand_out(early);
            return;
        }
        match self.consumer.poll(TICK) {
            None => {}
            Some(Ok(record)) => {
                let read = self.take(&record);
                drop(record);
                self.hand_out(read);
            }
            Some(Err(error)) => self.report(&error),
        }
    }

    fn wait_for_room(&mut self) {
        let since = *self.stalled_since.get_or_insert_with(Instant::now);
        if !self.paused && since.elapsed() >= STALL_BEFORE_PAUSE {
            if self.make_way() {
                return;
            }
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
        let must_wait = self.unsettled.is_held() || !self.has_room();
        self.unsettled.wait_for_room(self.paused, must_wait, TICK);
    }

    /// Sets a partition aside that keeps the others from being read, if one does.
    fn make_way(&mut self) -> bool {
        let is_full = !self.unsettled.is_open(false) && !self.unsettled.is_held();
        let context = Arc::clone(self.consumer.context());
        let makes_way = is_full && context.partitions.make_way();
        if makes_way {
            context.partitions.regulate(&self.consumer, false);
        }
        makes_way
    }

    fn take(&self, record: &BorrowedMessage<'_>) -> Read {
        self.consumer.context().health.recovered();
        let message = from_record(record, &self.topic);
        Read {
            room: self.memory.take(message.size()),
            message,
            partition: record.partition(),
            offset: record.offset(),
        }
    }

    fn hand_out(&self, read: Read) {
        let Read {
            message,
            partition,
            offset,
            room,
        } = read;
        let partitions = &self.consumer.context().partitions;
        let Some(partition) = partitions.partition(partition) else {
            return;
        };
        let ticket = partition.hand_out(offset, &message);
        let is_full = partition.backlog() >= partitions.max_backlog();
        self.send(Ok(HandedOut {
            partition,
            ticket,
            message,
            room,
        }));
        if is_full {
            partitions.regulate(&self.consumer, self.paused);
        }
    }

    fn report(&mut self, error: &KafkaError) {
        if let KafkaError::PartitionEOF(partition) = error {
            self.consumer.context().partitions.reached_end(*partition);
            return;
        }
        self.observer.stir();
        let context = self.consumer.context();
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AutoOffsetReset) => {
                context.suspect.store(true, Ordering::Relaxed);
                return;
            }
            Some(
                RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownPartition,
            ) => context.suspect.store(true, Ordering::Relaxed),
            _ => {}
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
