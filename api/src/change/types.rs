//! The types of a change.

use async_graphql::{Enum, ID, Object, Result, SimpleObject};
use domain::BrokerId;

use crate::id::GlobalId;
use crate::node::{self, Node};
use crate::scalar::Position;
use crate::view::View;

/// What changed up to a position, each thing once. An item without changes is a heartbeat.
#[derive(SimpleObject)]
pub struct NodeChanges {
    /// To resume, subscribe again with `after` set to it.
    pub position: Position,
    /// What changed.
    pub changes: Vec<NodeChange>,
    /// Whether more changed than is listed; if so, read the lists again.
    pub truncated: bool,
}

pub struct NodeChange {
    pub(crate) position: domain::Position,
    pub(crate) id: GlobalId,
    pub(crate) view: View,
}

/// A thing that changed.
#[Object]
impl NodeChange {
    /// The position of the last event that changed it.
    async fn position(&self) -> Position {
        Position(self.position)
    }

    /// What kind of thing it is.
    async fn kind(&self) -> Option<NodeKind> {
        NodeKind::of(&self.id)
    }

    /// Its global id.
    async fn id(&self) -> ID {
        self.id.encode()
    }

    /// The thing as lists show it now; null if they no longer show it.
    async fn node(&self) -> Option<Result<Node>> {
        match self.is_listed().await {
            Ok(true) => node::row(&self.view, self.id.clone()).await.transpose(),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    }
}

impl NodeChange {
    /// What was on a disconnected broker is in no list, though its row still exists.
    async fn is_listed(&self) -> Result<bool> {
        let Some(broker) = on_broker(&self.id) else {
            return Ok(true);
        };
        let row = self.view.load(broker).await?;
        Ok(row.is_some_and(|row| row.ended.is_none()))
    }
}

fn on_broker(id: &GlobalId) -> Option<BrokerId> {
    match id {
        GlobalId::Broker(id) => Some(*id),
        GlobalId::Listener(id) => Some(id.topic.broker),
        GlobalId::Publisher(id) => Some(id.topic.broker),
        _ => None,
    }
}

/// A kind of thing that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum NodeKind {
    /// An `Organization`.
    Organization,
    /// An `Algorithm`.
    Algorithm,
    /// A `Version`.
    Version,
    /// A `Broker`.
    Broker,
    /// A `Topic`.
    Topic,
    /// A `Grant`.
    Grant,
    /// A `Listener`.
    Listener,
    /// A `Publisher`.
    Publisher,
}

impl NodeKind {
    /// The kind of a thing that changes; events do not.
    pub(crate) fn of(id: &GlobalId) -> Option<Self> {
        Some(match id {
            GlobalId::Organization(_) => Self::Organization,
            GlobalId::Algorithm(_) => Self::Algorithm,
            GlobalId::Version(..) => Self::Version,
            GlobalId::Broker(_) => Self::Broker,
            GlobalId::Topic(_) => Self::Topic,
            GlobalId::Grant(_) => Self::Grant,
            GlobalId::Listener(_) => Self::Listener,
            GlobalId::Publisher(_) => Self::Publisher,
            GlobalId::Worker(_) | GlobalId::Run(_) | GlobalId::Event(_) | GlobalId::Job(_) => {
                return None;
            }
        })
    }
}
