//! The publisher type.

use async_graphql::{ID, Object, Result};

use crate::algorithm::Algorithm;
use crate::broker::Broker;
use crate::id::GlobalId;
use crate::scalar::{DateTime, Position};
use crate::view::View;

/// A topic that takes the results of an algorithm's successful runs.
pub struct Publisher(
    pub(crate) projections::publisher::Publisher,
    pub(crate) View,
);

#[Object]
impl Publisher {
    pub async fn id(&self) -> ID {
        GlobalId::Publisher(self.0.id.clone()).encode()
    }

    async fn enabled(&self) -> bool {
        self.0.enabled
    }

    /// The selector: results of every version it matches are published, for `latest` those of
    /// the newest.
    async fn version(&self) -> String {
        self.0.version.to_string()
    }

    async fn topic_id(&self) -> ID {
        GlobalId::Topic(self.0.id.topic.clone()).encode()
    }

    /// The name of the topic on its broker.
    async fn topic_name(&self) -> &str {
        self.0.id.topic.topic.as_str()
    }

    /// The position of the event that last changed it.
    async fn revision(&self) -> Position {
        Position(self.0.revision)
    }

    async fn changed_at(&self) -> DateTime {
        DateTime(self.0.changed_at)
    }

    /// The event that a policy enabled or disabled it for.
    async fn cause_event_id(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    async fn broker(&self) -> Option<Result<Broker>> {
        self.1.find(self.0.id.topic.broker, Broker).await
    }

    async fn algorithm(&self) -> Option<Result<Algorithm>> {
        self.1.find(self.0.id.algorithm.clone(), Algorithm).await
    }
}
