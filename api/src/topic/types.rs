//! The topic type.

use async_graphql::{ID, Object, Result, SimpleObject};
use domain::TopicId;
use projections::topic::Topic as Row;

use crate::broker::Broker;
use crate::grant::Grant;
use crate::grant::query::{GrantFilterInput, GrantOrderField};
use crate::id::GlobalId;
use crate::list::{Bounds, List, OrderBy, Part};
use crate::listener::Listener;
use crate::listener::query::{ListenerFilterInput, ListenerOrderField};
use crate::loaders::{Listed, RevisionOf};
use crate::publisher::Publisher;
use crate::publisher::query::{PublisherFilterInput, PublisherOrderField};
use crate::scalar::Revision;
use crate::view::View;

pub struct Topic {
    id: TopicId,
    /// As its broker lists it, if that was read already.
    row: Option<Row>,
    view: View,
}

impl Topic {
    /// A topic that its broker lists.
    pub(crate) fn of_row(row: Row, view: View) -> Self {
        Self {
            id: row.id.clone(),
            row: Some(row),
            view,
        }
    }

    /// A topic that something refers to, whether or not its broker lists it now.
    pub(crate) fn of_id(id: TopicId, view: View) -> Self {
        Self {
            id,
            row: None,
            view,
        }
    }

    /// As its broker lists it now.
    async fn row(&self) -> Result<Option<Row>> {
        match &self.row {
            Some(row) => Ok(Some(row.clone())),
            None => self.view.load(Listed(self.id.clone())).await,
        }
    }
}

/// A topic of a broker: a Kafka topic, an SQS queue, or a Service Bus queue or topic.
#[Object]
impl Topic {
    /// Its global id.
    pub async fn id(&self) -> ID {
        GlobalId::Topic(self.id.clone()).encode()
    }

    /// Its name on its broker.
    async fn name(&self) -> &str {
        self.id.topic.as_str()
    }

    /// Whether its broker lists it now. Grants, listeners and publishers may refer to a topic that
    /// is no longer listed.
    async fn listed(&self) -> Option<Result<bool>> {
        Some(self.row().await.map(|row| row.is_some()))
    }

    /// Identifies the state of its grants, listeners and publishers that is shown; mutations take
    /// it as `expectedRevision`.
    // Not nullable, as the other things' revisions: a document may ask for those of several kinds.
    async fn revision(&self) -> Result<Revision> {
        let revision = self.view.load(RevisionOf(self.id.clone())).await;
        revision.map(Revision)
    }

    /// How many partitions it has; null if the broker has no partitions, or does not list it.
    async fn partitions(&self) -> Option<Result<u32>> {
        let row = self.row().await.transpose()?;
        row.map(|row| row.partitions).transpose()
    }

    /// How many algorithms may use it in any way, retired ones not counted; null if its broker
    /// does not list it. `changes` lists a topic when its grants change, but not when an
    /// organization with such a grant registers another algorithm.
    async fn algorithm_count(&self) -> Option<Result<u64>> {
        let row = self.row().await.transpose()?;
        Some(row.map(|row| row.algorithms))
    }

    /// How many grants, listeners and publishers it has.
    async fn counts(&self) -> Option<Result<TopicCounts>> {
        let counts = self.view.load(self.id.clone()).await.transpose()?;
        Some(counts.map(Into::into))
    }

    /// The broker that it is on.
    async fn broker(&self) -> Option<Result<Broker>> {
        self.view.find(self.id.broker, Broker).await
    }

    /// The listeners that read it, enabled and disabled.
    #[expect(clippy::too_many_arguments, reason = "they are the field's")]
    async fn listeners(
        &self,
        filter: Option<ListenerFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        order_by: Option<OrderBy<ListenerOrderField>>,
    ) -> Option<Result<List<Listener>>> {
        let filter = match filter.unwrap_or_default().on_topic(&self.id) {
            Ok(filter) => filter,
            Err(error) => return Some(Err(error)),
        };
        let bounds = Bounds {
            first,
            after,
            last,
            before,
        };
        let part = Part::new(bounds, order_by);
        Some(self.view.list(filter, part, Listener).await)
    }

    /// The publishers that write to it, enabled and disabled.
    #[expect(clippy::too_many_arguments, reason = "they are the field's")]
    async fn publishers(
        &self,
        filter: Option<PublisherFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        order_by: Option<OrderBy<PublisherOrderField>>,
    ) -> Option<Result<List<Publisher>>> {
        let filter = match filter.unwrap_or_default().on_topic(&self.id) {
            Ok(filter) => filter,
            Err(error) => return Some(Err(error)),
        };
        let bounds = Bounds {
            first,
            after,
            last,
            before,
        };
        let part = Part::new(bounds, order_by);
        Some(self.view.list(filter, part, Publisher).await)
    }

    /// Grants that apply to it, directly or by a pattern.
    #[expect(clippy::too_many_arguments, reason = "they are the field's")]
    async fn grants(
        &self,
        filter: Option<GrantFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        order_by: Option<OrderBy<GrantOrderField>>,
    ) -> Option<Result<List<Grant>>> {
        let filter = match filter.unwrap_or_default().on_topic(&self.id) {
            Ok(filter) => filter,
            Err(error) => return Some(Err(error)),
        };
        let bounds = Bounds {
            first,
            after,
            last,
            before,
        };
        let part = Part::new(bounds, order_by);
        Some(self.view.list(filter, part, Grant).await)
    }
}

/// How much depends on a topic.
#[derive(SimpleObject)]
pub struct TopicCounts {
    /// Grants to read it, pattern grants included.
    pub subscribe_grants: u64,
    /// Grants to write results to it, pattern grants included.
    pub publish_grants: u64,
    /// Grants to write faulty messages to it, pattern grants included.
    pub dead_letter_grants: u64,
    /// Algorithms that may read it, by grants to them and to their organizations, of the topic and
    /// of patterns. Retired ones are not counted.
    pub subscribe_algorithms: u64,
    /// Algorithms whose results may be written to it, counted like `subscribeAlgorithms`.
    pub publish_algorithms: u64,
    /// Algorithms with a grant to write faulty messages to it, counted like `subscribeAlgorithms`.
    pub dead_letter_algorithms: u64,
    /// Enabled listeners, paused ones included.
    pub listeners: u64,
    /// Enabled publishers.
    pub publishers: u64,
}

impl From<projections::topic::TopicCounts> for TopicCounts {
    fn from(counts: projections::topic::TopicCounts) -> Self {
        Self {
            subscribe_grants: counts.subscribe_grants,
            publish_grants: counts.publish_grants,
            dead_letter_grants: counts.dead_letter_grants,
            subscribe_algorithms: counts.subscribe_algorithms,
            publish_algorithms: counts.publish_algorithms,
            dead_letter_algorithms: counts.dead_letter_algorithms,
            listeners: counts.listeners,
            publishers: counts.publishers,
        }
    }
}
