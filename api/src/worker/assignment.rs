//! Assignments as workers see them.

use async_graphql::{ID, SimpleObject};
use projections::{assignment as row, output};

use crate::algorithm::types::Protocol;
use crate::broker::BrokerSettings;
use crate::id::GlobalId;
use crate::listener::settings::ListenerSettings;
use crate::scalar::Position;

/// What changed up to a position. The first item holds all assignments.
#[derive(SimpleObject)]
pub struct AssignmentChanges {
    /// To resume, subscribe again with `after` set to it.
    pub position: Position,
    /// What changed, by listener.
    pub changes: Vec<AssignmentChange>,
}

/// What changed for one listener.
#[derive(SimpleObject)]
pub struct AssignmentChange {
    /// The listener.
    pub listener_id: ID,
    /// How to serve it; null: stop serving it.
    pub assignment: Option<Assignment>,
}

/// Everything a worker needs to serve a listener.
#[derive(SimpleObject)]
pub struct Assignment {
    /// The position of the event that last changed the listener.
    pub revision: Position,
    /// The name of the topic to read.
    pub topic: String,
    /// The name of the topic that takes faulty messages.
    pub dlq: Option<String>,
    /// Whether no grant permits the algorithm to send faulty messages to `dlq`; while it is true, the
    /// listener must hold its position.
    pub dlq_not_granted: bool,
    /// The algorithm, as `organization/name`.
    pub algorithm: String,
    /// The consumer group, the same as long as the listener exists.
    pub group: String,
    /// The broker of the topic.
    pub broker: AssignedBroker,
    /// The version that the selector picks now; null if no published version matches.
    pub version: Option<AssignedVersion>,
    /// How the listener behaves.
    pub settings: ListenerSettings,
    /// The topics that take the results of this version. Null while a publisher is being moved to
    /// the broker that replaces its own: wait for the next change before publishing anything.
    pub outputs: Option<Vec<AssignedOutput>>,
}

/// A broker to use.
#[derive(SimpleObject)]
pub struct AssignedBroker {
    /// Its global id.
    pub id: ID,
    /// How it is reached.
    pub settings: BrokerSettings,
}

/// The version that messages are sent to.
#[derive(SimpleObject)]
pub struct AssignedVersion {
    /// The version.
    pub version: String,
    /// The URL to call.
    pub endpoint: String,
    /// How the endpoint is called and its answer read.
    pub protocol: Protocol,
    /// How long one call may take.
    pub timeout_ms: u64,
}

/// A topic that takes results.
#[derive(SimpleObject)]
pub struct AssignedOutput {
    /// The publisher.
    pub publisher_id: ID,
    /// The name of the topic.
    pub topic: String,
    /// The broker of the topic.
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
            dlq_not_granted: row.dlq_not_granted,
            algorithm: row.listener.algorithm.to_string(),
            group: row.group.to_string(),
            broker: AssignedBroker {
                id: GlobalId::Broker(row.listener.topic.broker).encode(),
                settings: row.broker.into(),
            },
            version: row.version.map(Into::into),
            settings: row.settings.into(),
            outputs: AssignedOutput::list(row.outputs),
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

impl AssignedOutput {
    pub(super) fn list(outputs: output::Outputs) -> Option<Vec<Self>> {
        match outputs {
            output::Outputs::Known(outputs) => Some(outputs.into_iter().map(Into::into).collect()),
            output::Outputs::Moving => None,
        }
    }
}

impl From<output::Output> for AssignedOutput {
    fn from(row: output::Output) -> Self {
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
