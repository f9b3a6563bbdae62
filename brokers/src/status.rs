//! What a source is doing, as far as its client can tell.

use std::time::{Instant, SystemTime};

/// What a source is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceStatus {
    pub state: SourceState,
    /// None where it is not known.
    pub lag: Option<Lag>,
}

/// Whether a source reads its topic, and why not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SourceState {
    /// It has not been given partitions by its group yet.
    #[default]
    Joining,
    /// It reads that many partitions: none if the other members of its group have all of them.
    Assigned { partitions: u32 },
    /// It has read those partitions up to a transaction that has not ended. So many messages at most
    /// are in it and behind it.
    TransactionOpen { partitions: u32, messages: u64 },
    /// The broker does not answer. The text never holds a credential.
    Unreachable(String),
    /// The broker has no such topic.
    TopicMissing,
}

/// How far a source is behind the end of the partitions that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// The messages that are not settled. Kafka counts those that were deleted in between, too.
    pub messages: u64,
    /// When the oldest message was sent that was received and is not settled.
    pub oldest: Option<SystemTime>,
    pub measured: Instant,
}
