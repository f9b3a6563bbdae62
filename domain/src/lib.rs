//! The pure core: ids, events, one file per decision, settlement rules and the event codec.
//!
//! Nothing here does input or output, reads a clock or draws a random number: time and
//! fresh ids arrive in [`Ctx`]. What an admin or a member may not do is a [`Refusal`],
//! a value; there are no errors in a decision.

// A match on events names each of them, so that a new one is asked for.
#![deny(clippy::wildcard_enum_match_arm)]

pub mod algorithm;
pub mod assignment;
pub mod authority;
pub mod batch;
pub mod broker;
pub mod cluster;
pub mod codec;
pub mod command;
pub mod consumer;
pub mod credential;
pub mod describe;
pub mod envelope;
pub mod event;
pub mod flow;
pub mod grant;
pub mod health;
pub mod ids;
pub mod lease;
pub mod listener;
pub mod model_server;
pub mod name;
pub mod organization;
pub mod pattern;
pub mod publisher;
pub mod refusal;
pub mod replacement;
pub mod run;
pub mod sample;
pub mod series;
pub mod settlement;
pub mod thing;
pub mod topic;
pub mod undo;
mod upcast;
pub mod version;
pub mod worker;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use assignment::{Assignment, Outputs, PositionReset};
pub use authority::Right;
pub use command::{AnyCommand, Command, Ctx, Deciding, Each, Keyed, State};
pub use credential::{CredentialName, CredentialRef};
pub use envelope::{Actor, Envelope, Meta, NewEvent, Position, Revision, StreamName};
pub use event::{Event, Payload};
pub use ids::{
    AlgorithmId, BrokerId, CommandId, CorrelationId, EventId, JournalId, ListenerId, PublisherId,
    RunId, TopicId, WorkerId,
};
pub use model_server::ModelServer;
pub use name::{AlgorithmName, BrokerName, NameError, OrganizationName, TopicName, UserName};
pub use pattern::TopicPattern;
pub use refusal::Refusal;
pub use thing::{Subject, Thing};
pub use version::{Version, VersionSelector};

/// Where the current time comes from. The server passes the system's clock, tests a fixed one.
pub trait Clock: Send + Sync {
    /// The current time, UTC.
    fn now(&self) -> jiff::Timestamp;
}

/// Where fresh identifiers come from. The server passes a random source, tests a counter.
pub trait Ids: Send + Sync {
    /// An identifier never given out before.
    fn next(&self) -> uuid::Uuid;
}
