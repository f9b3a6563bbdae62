//! Assignments as workers see them: what the domain holds, in its serialised form.

use async_graphql::SimpleObject;
use domain::{Assignment, ListenerId, Outputs};
use projections::assignment as row;

use crate::scalar::{Json, Position};

/// What changed up to a position, or a part of that which fits into one item.
#[derive(SimpleObject)]
pub struct AssignmentChanges {
    /// The position that the last of these parts reaches. To resume, subscribe again with `after`
    /// set to the position of the last part that was complete.
    pub position: Position,
    /// Whether this is the last part of what changed up to the position.
    pub complete: bool,
    /// How brokers are reached. Each broker is sent before the first assignment that refers to it,
    /// and again when its credential has changed.
    pub brokers: Vec<AssignedBroker>,
    /// What changed, by listener.
    pub changes: Vec<AssignmentChange>,
}

/// What changed for one listener.
#[derive(SimpleObject)]
pub struct AssignmentChange {
    /// The listener, as its assignment names it.
    pub listener: Json<ListenerId>,
    /// How to serve it, in the form of the worker's protocol version; null means to stop serving
    /// it.
    pub assignment: Option<Json<Assignment>>,
}

/// A broker to use.
#[derive(SimpleObject)]
pub struct AssignedBroker {
    /// Its UUID, by which assignments refer to it.
    pub broker: String,
    /// How it is reached, in the form of the worker's protocol version.
    pub settings: Json<domain::broker::BrokerSettings>,
    /// The UUIDs of the brokers that it took over from.
    pub replaces: Vec<String>,
}

/// Where the results of a version go.
#[derive(SimpleObject)]
pub struct VersionOutputs {
    /// The topics, as an assignment lists them.
    pub outputs: Json<Outputs>,
    /// How their brokers are reached.
    pub brokers: Vec<AssignedBroker>,
}

impl From<row::AssignmentPage> for AssignmentChanges {
    fn from(page: row::AssignmentPage) -> Self {
        Self {
            position: Position(page.position),
            complete: page.next.is_none(),
            brokers: page.brokers.into_iter().map(Into::into).collect(),
            changes: page.changes.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<row::AssignmentChange> for AssignmentChange {
    fn from(change: row::AssignmentChange) -> Self {
        Self {
            listener: Json(change.listener),
            assignment: change.assignment.map(Json),
        }
    }
}

impl From<row::AssignedBroker> for AssignedBroker {
    fn from(broker: row::AssignedBroker) -> Self {
        Self {
            broker: broker.broker.to_string(),
            settings: Json(broker.settings),
            replaces: broker.replaces.iter().map(ToString::to_string).collect(),
        }
    }
}
