//! Assignments as workers see them.

use async_graphql::{ID, SimpleObject};
use projections::assignment as row;

use crate::algorithm::types::Protocol;
use crate::broker::BrokerSettings;
use crate::id::GlobalId;
use crate::listener::settings::ListenerSettings;
use crate::scalar::Position;

/// What changed up to a position. The first item holds everything there is.
#[derive(SimpleObject)]
pub struct AssignmentChanges {
    /// Resume behind it.
    pub position: Position,
    pub changes: Vec<AssignmentChange>,
}

/// What changed for one listener.
#[derive(SimpleObject)]
pub struct AssignmentChange {
    pub listener_id: ID,
    /// Null: the listener is to stop.
    pub assignment: Option<Assignment>,
}

/// Everything a worker needs to serve a listener.
#[derive(SimpleObject)]
pub struct Assignment {
    /// The position of the event that last changed the listener.
    pub revision: Position,
    pub topic: String,
    pub dlq: Option<String>,
    /// `organization/name`
    pub algorithm: String,
    /// The consumer group: the same for all of the listener's life.
    pub group: String,
    pub broker: AssignedBroker,
    /// What the version selector picks now; null when no published version matches.
    pub version: Option<AssignedVersion>,
    pub settings: ListenerSettings,
    /// Where results of that version go.
    pub outputs: Vec<AssignedOutput>,
}

/// A broker to use.
#[derive(SimpleObject)]
pub struct AssignedBroker {
    pub id: ID,
    pub settings: BrokerSettings,
}

/// The version that messages are sent to.
#[derive(SimpleObject)]
pub struct AssignedVersion {
    pub version: String,
    pub endpoint: String,
    pub protocol: Protocol,
    /// How long a call may take in all.
    pub timeout_ms: u64,
}

/// A topic that takes results.
#[derive(SimpleObject)]
pub struct AssignedOutput {
    pub publisher_id: ID,
    pub topic: String,
    pub broker: AssignedBroker,
}

impl From<row::AssignmentChange> for AssignmentChange {
    fn from(change: row::AssignmentChange) -> Self {
        Self {
            listener_id: GlobalId::Listener(change.listener).encode(),
            assignment: change.assignment.map(Into::into),
        }
    }
}

impl From<row::Assignment> for Assignment {
    fn from(row: row::Assignment) -> Self {
        Self {
            revision: Position(row.revision),
            topic: row.listener.topic.topic.to_string(),
            dlq: row.dlq,
            algorithm: row.listener.algorithm.to_string(),
            group: row.group.to_string(),
            broker: AssignedBroker {
                id: GlobalId::Broker(row.listener.topic.broker).encode(),
                settings: row.broker.into(),
            },
            version: row.version.map(Into::into),
            settings: row.settings.into(),
            outputs: row.outputs.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<row::AssignedVersion> for AssignedVersion {
    fn from(row: row::AssignedVersion) -> Self {
        Self {
            version: row.version.to_string(),
            endpoint: row.endpoint,
            protocol: row.protocol.into(),
            timeout_ms: row.timeout_ms,
        }
    }
}

impl From<row::Output> for AssignedOutput {
    fn from(row: row::Output) -> Self {
        Self {
            topic: row.topic.to_string(),
            broker: AssignedBroker {
                id: GlobalId::Broker(row.publisher.topic.broker).encode(),
                settings: row.broker.into(),
            },
            publisher_id: GlobalId::Publisher(row.publisher).encode(),
        }
    }
}
