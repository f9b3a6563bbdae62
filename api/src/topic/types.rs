//! The topic type.

use async_graphql::{ID, Object, Result, SimpleObject};

use crate::broker::Broker;
use crate::grant::Grant;
use crate::grant::query::GrantOrderField;
use crate::id::GlobalId;
use crate::list::{List, OrderBy, Part};
use crate::listener::Listener;
use crate::listener::query::ListenerOrderField;
use crate::publisher::Publisher;
use crate::publisher::query::PublisherOrderField;
use crate::scalar::BigInt;
use crate::view::View;

/// A topic as its broker lists it.
pub struct Topic(pub(crate) projections::topic::Topic, pub(crate) View);

#[Object]
impl Topic {
    pub async fn id(&self) -> ID {
        GlobalId::Topic(self.0.id.clone()).encode()
    }

    async fn name(&self) -> &str {
        self.0.id.topic.as_str()
    }

    /// How many partitions, where the broker has them.
    async fn partitions(&self) -> Option<u32> {
        self.0.partitions
    }

    /// How much there is of it.
    async fn counts(&self) -> Option<Result<TopicCounts>> {
        let counts = self.1.load(self.0.id.clone()).await.transpose()?;
        Some(counts.map(Into::into))
    }

    async fn broker(&self) -> Option<Result<Broker>> {
        self.1.find(self.0.id.broker, Broker).await
    }

    /// What reads it, the enabled and the disabled.
    async fn listeners(
        &self,
        first: Option<i32>,
        after: Option<String>,
        order_by: Option<OrderBy<ListenerOrderField>>,
    ) -> Option<Result<List<Listener>>> {
        let filter = projections::listener::ListenerFilter {
            topic: Some(self.0.id.clone()),
            ..Default::default()
        };
        let part = Part::new(first, after, order_by);
        Some(self.1.list(filter, part, Listener).await)
    }

    /// What writes it, the enabled and the disabled.
    async fn publishers(
        &self,
        first: Option<i32>,
        after: Option<String>,
        order_by: Option<OrderBy<PublisherOrderField>>,
    ) -> Option<Result<List<Publisher>>> {
        let filter = projections::publisher::PublisherFilter {
            topic: Some(self.0.id.clone()),
            ..Default::default()
        };
        let part = Part::new(first, after, order_by);
        Some(self.1.list(filter, part, Publisher).await)
    }

    /// Who may read or write it, by grants of the topic and of patterns that cover it.
    async fn grants(
        &self,
        first: Option<i32>,
        after: Option<String>,
        order_by: Option<OrderBy<GrantOrderField>>,
    ) -> Option<Result<List<Grant>>> {
        let filter = projections::grant::GrantFilter {
            topic: Some(self.0.id.clone()),
            ..Default::default()
        };
        let part = Part::new(first, after, order_by);
        Some(self.1.list(filter, part, Grant).await)
    }
}

/// How much there is of a topic.
#[derive(SimpleObject)]
pub struct TopicCounts {
    /// Grants to read it, those of patterns among them.
    pub subscribe_grants: BigInt,
    /// Grants to write it, those of patterns among them.
    pub publish_grants: BigInt,
    /// Enabled listeners, the paused among them.
    pub listeners: BigInt,
    /// Enabled publishers.
    pub publishers: BigInt,
}

impl From<projections::topic::TopicCounts> for TopicCounts {
    fn from(counts: projections::topic::TopicCounts) -> Self {
        Self {
            subscribe_grants: BigInt(counts.subscribe_grants),
            publish_grants: BigInt(counts.publish_grants),
            listeners: BigInt(counts.listeners),
            publishers: BigInt(counts.publishers),
        }
    }
}
