//! The envelope: what the log knows of an event beside its payload.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ids::{AlgorithmId, BrokerId, CommandId, CorrelationId, EventId, TopicId, WorkerId};
use crate::name::OrganizationName;

/// A place in the log. The first event is at 1; 0 is before everything.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Position(pub u64);

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A place in one stream. The first event is at 0.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of a stream: a kind, a hyphen, and what it is the history of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StreamName(pub String);

impl StreamName {
    /// The text of the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The history of an organization.
    #[must_use]
    pub fn organization(name: &OrganizationName) -> Self {
        Self(format!("organization-{name}"))
    }

    /// The history of an algorithm and its versions.
    #[must_use]
    pub fn algorithm(id: &AlgorithmId) -> Self {
        Self(format!("algorithm-{id}"))
    }

    /// The history of a broker.
    #[must_use]
    pub fn broker(id: BrokerId) -> Self {
        Self(format!("broker-{id}"))
    }

    /// The history of a topic's grants, listeners and publishers.
    #[must_use]
    pub fn topic(id: &TopicId) -> Self {
        Self(format!("topic-{id}"))
    }

    /// What was done to the cluster as a whole.
    #[must_use]
    pub fn cluster() -> Self {
        Self("cluster".to_owned())
    }

    /// That a command had nothing to do.
    #[must_use]
    pub fn command(id: CommandId) -> Self {
        Self(format!("command-{id}"))
    }

    /// What a worker did.
    #[must_use]
    pub fn worker(id: WorkerId) -> Self {
        Self(format!("worker-{id}"))
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// A person, by the name they sign in with.
    User { name: String },
    /// A worker reporting what it did.
    Worker { id: WorkerId },
    /// A policy answering an event.
    Policy { name: String },
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User { name } => write!(f, "user:{name}"),
            Self::Worker { id } => write!(f, "worker:{id}"),
            Self::Policy { name } => write!(f, "policy:{name}"),
        }
    }
}

/// Who asked, and why: the part of the envelope that the caller of a command knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    pub actor: Actor,
    /// The request that all this belongs to.
    pub correlation: CorrelationId,
    /// The event or command that directly led here: a command's id where a person asked, an
    /// event's id where a policy answered.
    pub causation: Uuid,
    /// The address the request came from, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_address: Option<String>,
}

/// An event on its way into the log, already encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    pub id: EventId,
    /// The stable name of its type.
    pub type_name: &'static str,
    pub schema_version: u32,
    /// JSON, exactly as it will be stored.
    pub payload: Vec<u8>,
}

/// An event as the log holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    pub id: EventId,
    pub stream: StreamName,
    pub revision: Revision,
    pub position: Position,
    pub type_name: String,
    pub schema_version: u32,
    /// Whole microseconds, UTC.
    pub recorded_at: Timestamp,
    pub command: CommandId,
    pub meta: Meta,
    /// The stored bytes, JSON.
    pub payload: Vec<u8>,
}
