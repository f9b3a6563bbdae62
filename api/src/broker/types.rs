//! The types of a broker.

use async_graphql::{Enum, ID, Object, Result, SimpleObject};
use domain::broker::BrokerKind as DomainKind;
use projections::broker::{self, Ended};
use projections::consumer::ConsumerCounts;
use projections::ending::Ending;

use super::BrokerSettings;
use crate::ending::{self, EndPreview};
use crate::filter::FilterInput;
use crate::grant::Grant;
use crate::grant::query::{GrantFilterInput, GrantOrderField};
use crate::id::GlobalId;
use crate::list::{Bounds, List, OrderBy, Part};
use crate::loaders::{ConsumersOn, CountsOf};
use crate::scalar::{DateTime, Revision};
use crate::topic::Topic;
use crate::topic::query::{TopicFilterInput, TopicOrderField};
use crate::view::View;

#[derive(Clone)]
pub struct Broker(pub(crate) projections::broker::Broker, pub(crate) View);

/// A Kafka cluster, SQS account or Service Bus namespace that is or was connected. Its settings
/// never change; only credentials rotate.
#[Object]
impl Broker {
    /// Its global id.
    pub async fn id(&self) -> ID {
        GlobalId::Broker(self.0.id).encode()
    }

    /// Its name, unique among the connected brokers.
    async fn name(&self) -> &str {
        self.0.name.as_str()
    }

    /// How it is reached. Once connected, they never change.
    async fn settings(&self) -> BrokerSettings {
        self.0.settings.clone().into()
    }

    /// When it was connected.
    async fn connected_at(&self) -> DateTime {
        DateTime(self.0.connected_at)
    }

    /// When its list of topics last changed.
    async fn topics_changed_at(&self) -> Option<DateTime> {
        self.0.discovered_at.map(DateTime)
    }

    /// Identifies the state that is shown; mutations take it as `expectedRevision`.
    async fn revision(&self) -> Revision {
        Revision(Some(self.0.revision))
    }

    /// What kind of broker it is.
    async fn kind(&self) -> BrokerKind {
        self.0.settings.kind().into()
    }

    /// The credential that workers authenticate with; null if it needs none. Never the secret
    /// itself.
    async fn credential(&self) -> Option<CredentialReference> {
        let credential = self.0.settings.credential()?;
        Some(CredentialReference {
            name: credential.name.to_string(),
            version: credential.version,
        })
    }

    /// When it was disconnected; null while it is connected, or if another broker took over.
    async fn disconnected_at(&self) -> Option<DateTime> {
        let ended = self.0.ended.filter(|ended| ended.by.is_none());
        ended.map(|ended| DateTime(ended.at))
    }

    /// When another broker took over; null if none has.
    async fn replaced_at(&self) -> Option<DateTime> {
        let ended = self.0.ended.filter(|ended| ended.by.is_some());
        ended.map(|ended| DateTime(ended.at))
    }

    /// The broker that took over; null if none has.
    async fn replaced_by(&self) -> Option<Result<Broker>> {
        self.1.find(self.0.ended?.by?, Broker).await
    }

    /// How many topics, grants, listeners and publishers it has.
    async fn counts(&self) -> Option<Result<BrokerCounts>> {
        let counts = self.1.load(CountsOf(self.0.id)).await.transpose()?;
        Some(counts.map(Into::into))
    }

    /// Its health, from what workers report about their consumers.
    async fn status(&self) -> Option<Result<BrokerStatus>> {
        let counts = self.1.load(ConsumersOn(self.0.id)).await;
        Some(counts.map(|counts| BrokerStatus::of(self.0.ended, counts.unwrap_or_default())))
    }

    /// What `brokerDisconnect` would end now.
    async fn disconnect_preview(&self) -> Option<Result<EndPreview>> {
        ending::preview(&self.1, Ending::BrokerDisconnected(self.0.id)).await
    }

    /// Grants of its topics and of patterns, by topic or pattern.
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
        let filter = match filter.unwrap_or_default().on_broker(self.0.id) {
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
        Some(self.1.list(filter, part, Grant).await)
    }

    /// Its topics, by name.
    #[expect(clippy::too_many_arguments, reason = "they are the field's")]
    async fn topics(
        &self,
        filter: Option<TopicFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        order_by: Option<OrderBy<TopicOrderField>>,
    ) -> Option<Result<List<Topic>>> {
        let filter = match filter.unwrap_or_default().filter(&self.0.id) {
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
        Some(self.1.list(filter, part, Topic::of_row).await)
    }
}

/// A kind of broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "DomainKind")]
pub enum BrokerKind {
    /// An Apache Kafka cluster.
    Kafka,
    /// The Amazon SQS queues of an AWS account in a region.
    Sqs,
    /// An Azure Service Bus namespace.
    ServiceBus,
}

/// A broker's health, from what workers report.
#[derive(SimpleObject)]
pub struct BrokerStatus {
    /// In one word.
    pub state: BrokerState,
    /// How many consumers are running.
    pub running: u64,
    /// How many consumers hold their position.
    pub blocked: u64,
    /// How many consumers failed and will be restarted.
    pub failed: u64,
}

/// A broker's health in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum BrokerState {
    /// No consumer uses it.
    Idle,
    /// Consumers run on it, and none has failed.
    Consuming,
    /// A consumer on it failed and will be restarted; its listener says why.
    Failing,
    /// Another broker took over from it.
    Replaced,
    /// It was disconnected.
    Disconnected,
}

impl BrokerStatus {
    fn of(ended: Option<Ended>, counts: ConsumerCounts) -> Self {
        let state = match counts {
            _ if ended.is_some_and(|ended| ended.by.is_some()) => BrokerState::Replaced,
            _ if ended.is_some() => BrokerState::Disconnected,
            ConsumerCounts { failed: 1.., .. } => BrokerState::Failing,
            ConsumerCounts {
                running: 0,
                blocked: 0,
                ..
            } => BrokerState::Idle,
            _ => BrokerState::Consuming,
        };
        Self {
            state,
            running: counts.running,
            blocked: counts.blocked,
            failed: counts.failed,
        }
    }
}

/// A reference to a credential, which only workers read.
#[derive(SimpleObject)]
pub struct CredentialReference {
    /// Where it is kept and its name there: `provider/name`.
    pub name: String,
    /// From 1; rotating switches to another version.
    pub version: u32,
}

/// How much depends on a broker.
#[derive(SimpleObject)]
pub struct BrokerCounts {
    /// Its topics.
    pub topics: u64,
    /// Grants of topics and of patterns.
    pub grants: u64,
    /// Enabled listeners, paused ones included.
    pub listeners: u64,
    /// Enabled publishers.
    pub publishers: u64,
}

impl From<broker::BrokerCounts> for BrokerCounts {
    fn from(counts: broker::BrokerCounts) -> Self {
        Self {
            topics: counts.topics,
            grants: counts.grants,
            listeners: counts.listeners,
            publishers: counts.publishers,
        }
    }
}
