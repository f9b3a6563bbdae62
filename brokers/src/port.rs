//! The port that every broker implements: look, read, write.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;

use crate::memory::Memory;
use crate::metadata::Metadata;
use crate::positions::Positions;
use crate::status::SourceStatus;

/// Why a broker did not do what was asked. The text never holds a credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokerError {
    /// It could not be reached, or did not answer in time.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// It answered that there is no such topic.
    #[error("no topic {0}")]
    NoTopic(String),
    /// It answered that the client may not.
    #[error("not authorized: {0}")]
    NotAuthorized(String),
    /// The message, by itself, is larger than the broker or the topic takes: waiting does not help.
    #[error("too large: {0}")]
    TooLarge(String),
    /// Anything else; may pass.
    #[error("{0}")]
    Other(String),
}

/// A topic as its broker lists it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TopicInfo {
    pub name: String,
    /// How many partitions, where the broker has them.
    pub partitions: Option<u32>,
}

/// A broker that can be looked at, read from and written to. Cheap to keep; connects on use.
#[async_trait]
pub trait Broker: Send + Sync {
    /// The topics there are, by name, without the broker's internal ones. Bounded in time (10 s).
    async fn topics(&self) -> Result<Vec<TopicInfo>, BrokerError>;

    /// Where a group goes on in a topic, or would begin by `start`, and how much waits for it, as
    /// the broker knows it. What it committed under another reset than `reset` is no position of it.
    /// Bounded in time (10 s). A broker that keeps no positions answers an error.
    async fn backlog(
        &self,
        topic: &str,
        group: &str,
        start: Start,
        reset: u64,
    ) -> Result<Backlog, BrokerError>;

    /// Starts to read a topic.
    async fn source(&self, settings: SourceSettings) -> Result<Box<dyn Source>, BrokerError>;

    /// A writer to any topic of the broker; clones of the answer share one connection.
    async fn sink(&self) -> Result<Arc<dyn Sink>, BrokerError>;
}

/// What waits for a group in a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Whether it has a position in any partition; it begins in the others.
    pub has_position: bool,
    /// The messages from there to the end. Kafka counts those that were deleted in between, too.
    pub waiting: u64,
}

/// What a source reads.
#[derive(Clone, Debug)]
pub struct SourceSettings {
    pub topic: String,
    /// The consumer group, where the broker has them.
    pub group: String,
    /// Where to begin in a topic that was never read, or not since the last reset of its positions.
    pub start: Start,
    /// Where it stands.
    pub positions: Arc<dyn Positions>,
    /// How many received messages may be unsettled at once; beyond it nothing more is handed out.
    /// Where most of them are of one partition that is stuck, that one alone is held, and the others
    /// have as many again.
    pub max_unsettled: usize,
    /// Counts the bytes of messages that are fetched and not settled or dropped. While it is full,
    /// nothing more is handed out, except one message by a source that has none out.
    pub memory: Memory,
}

/// Where a group without a position begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    Earliest,
    Latest,
    /// The first message of that time or later.
    At(SystemTime),
    /// Each of these partitions at its offset, or at the next one that there is. The others go on where
    /// they stood before the reset; those that were never read begin with their oldest message.
    Offsets(Arc<BTreeMap<i32, i64>>),
}

impl Start {
    /// Whether a partition is among those whose offsets are given; none where others are not meant.
    pub(crate) fn names(&self, partition: i32) -> Option<bool> {
        match self {
            Self::Offsets(offsets) => Some(offsets.contains_key(&partition)),
            Self::Earliest | Self::Latest | Self::At(_) => None,
        }
    }
}

/// A running reader. Dropping it abandons it; [`Source::close`] ends it in order.
#[async_trait]
pub trait Source: Send {
    /// The next message. Waits forever while there is none; safe to cancel: a cancelled call
    /// loses nothing. Errors may pass: call again after a pause.
    async fn recv(&mut self) -> Result<Delivery, BrokerError>;

    /// What it is doing, to be followed. Kept up to date whether or not [`Self::recv`] is called.
    fn status(&self) -> watch::Receiver<SourceStatus>;

    /// Has it fetch nothing until it is told to go on. Answered once nothing more is requested of the
    /// broker, within a bound (5 s). What was fetched before may still be handed out.
    async fn hold(&mut self, hold: bool);

    /// Gives back what is unsettled, makes the position of what is settled durable on the broker
    /// and leaves, within a bound (10 s).
    async fn close(self: Box<Self>) -> Result<(), BrokerError>;
}

/// A received message and the way to settle it.
///
/// Dropped without [`Delivery::settle`], it counts as not done: the broker hands it out again, to
/// this group, after a restart or a rebalance.
pub struct Delivery {
    pub message: Message,
    hold: Box<dyn Hold>,
}

/// What a source keeps of a message that it has handed out. Dropped, the message is not done.
pub trait Hold: Send + Sync {
    /// As [`Delivery::settle`].
    fn settle(self: Box<Self>);

    /// As [`Delivery::is_lost`].
    fn is_lost(&self) -> bool;

    /// As [`Delivery::begin`].
    fn begin(&self) -> bool;

    /// As [`Delivery::rest`].
    fn rest(&self);
}

impl Delivery {
    #[must_use]
    pub fn new(message: Message, hold: impl Hold + 'static) -> Self {
        Self {
            message,
            hold: Box::new(hold),
        }
    }

    /// Whether the broker has given the message to another reader, or will, whatever becomes of it
    /// here.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.hold.is_lost()
    }

    /// Begins something that another reader is not to do, too. Where the broker wants to give the
    /// message to one, it waits until this is settled or rests, within a bound (5 s), and the message
    /// is not lost before. False: it is lost.
    #[must_use]
    pub fn begin(&self) -> bool {
        self.hold.begin()
    }

    /// Ends what was begun without an end of the message: another reader may have it.
    pub fn rest(&self) {
        self.hold.rest();
    }

    /// Tells the broker that the message is done: its decision is durable. Does not wait; the
    /// broker may hear of it up to a second later, and a crash before that redelivers.
    pub fn settle(self) {
        self.hold.settle();
    }
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery")
            .field("identity", &self.message.identity)
            .finish_non_exhaustive()
    }
}

/// A message as the broker holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub identity: Identity,
    pub key: Option<Bytes>,
    /// All of them as they are, in order; a name may repeat and a value be absent.
    pub headers: Vec<(String, Option<Bytes>)>,
    /// What of the headers every broker has in some spelling.
    pub metadata: Metadata,
    /// None is not the same as no bytes: on a compacted topic it deletes the key.
    pub body: Option<Bytes>,
    /// When it was produced or appended, where the broker says.
    pub timestamp: Option<SystemTime>,
    /// How often the broker says it was handed out, this time included, where it counts.
    pub attempt: Option<u32>,
}

impl Message {
    /// How many bytes the body has.
    pub fn body_len(&self) -> usize {
        self.body.as_ref().map_or(0, Bytes::len)
    }
}

/// What distinguishes one message of a topic from every other, forever.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Identity {
    Kafka {
        topic: Arc<str>,
        partition: i32,
        offset: i64,
    },
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Kafka {
                topic,
                partition,
                offset,
            } => write!(f, "{topic}/{partition}/{offset}"),
        }
    }
}

/// A message to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    pub topic: String,
    pub key: Option<Bytes>,
    /// Written as they are, beside those that say what is in `metadata`.
    pub headers: Vec<(Cow<'static, str>, Option<Bytes>)>,
    /// Spelled as the broker has it.
    pub metadata: Metadata,
    pub body: Option<Bytes>,
}

/// A writer. Writes of one sink are pipelined: many may be under way at once.
#[async_trait]
pub trait Sink: Send + Sync {
    /// Writes one message; the answer comes when the broker has it durably (Kafka: `acks=all`).
    /// A full queue is waited for, not refused. Bounded in time (30 s).
    async fn publish(&self, outgoing: Outgoing) -> Result<(), BrokerError>;
}
