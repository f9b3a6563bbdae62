//! The types of a broker.

use async_graphql::{Enum, ID, Object, Result, SimpleObject};
use domain::broker::BrokerKind as DomainKind;
use projections::broker::{self, Deletion};
use projections::topic::TopicFilter;
use projections::worker::ConsumerCounts;

use super::BrokerSettings;
use crate::error::read_failure;
use crate::grant::Grant;
use crate::grant::query::GrantOrderField;
use crate::id::GlobalId;
use crate::list::{List, OrderBy, Part};
use crate::loaders::{ConsumersOn, CountsOf};
use crate::scalar::{BigInt, DateTime};
use crate::topic::Topic;
use crate::topic::query::TopicOrderField;
use crate::view::View;

/// A connected Kafka cluster, SQS account or Service Bus namespace. Its settings never change;
/// only credentials rotate.
#[derive(Clone)]
pub struct Broker(pub(crate) projections::broker::Broker, pub(crate) View);

#[Object]
impl Broker {
    pub async fn id(&self) -> ID {
        GlobalId::Broker(self.0.id).encode()
    }

    async fn name(&self) -> &str {
        self.0.name.as_str()
    }

    async fn settings(&self) -> BrokerSettings {
        self.0.settings.clone().into()
    }

    async fn connected_at(&self) -> DateTime {
        DateTime(self.0.connected_at)
    }

    /// When its list of topics was last seen to change.
    async fn topics_discovered_at(&self) -> Option<DateTime> {
        self.0.discovered_at.map(DateTime)
    }

    async fn kind(&self) -> BrokerKind {
        self.0.settings.kind().into()
    }

    /// What it proves itself by; null where it needs no credential. The secret is nowhere here.
    async fn credential(&self) -> Option<Credential> {
        let credential = self.0.settings.credential()?;
        Some(Credential {
            name: credential.name.to_string(),
            version: credential.version,
        })
    }

    /// When it was replaced, and so is gone.
    async fn replaced_at(&self) -> Option<DateTime> {
        self.0.replaced.map(|replaced| DateTime(replaced.at))
    }

    /// The broker that took over from it; null while it is alive, and where that broker
    /// is disconnected.
    async fn replaced_by(&self) -> Option<Result<Broker>> {
        self.1.find(self.0.replaced?.by, Broker).await
    }

    /// How much there is of it.
    async fn counts(&self) -> Option<Result<BrokerCounts>> {
        let counts = self.1.load(CountsOf(self.0.id)).await.transpose()?;
        Some(counts.map(Into::into))
    }

    /// How it does, by what workers report of their consumers.
    async fn status(&self) -> Option<Result<BrokerStatus>> {
        let counts = self.1.load(ConsumersOn(self.0.id)).await;
        let replaced = self.0.replaced.is_some();
        Some(counts.map(|counts| BrokerStatus::of(replaced, counts.unwrap_or_default())))
    }

    /// What would stop now if it were disconnected.
    async fn deletion_preview(&self) -> Option<Result<BrokerDeletionPreview>> {
        let deletion = self.1.model().deletion(self.0.id).await;
        Some(
            deletion
                .map(Into::into)
                .map_err(|cause| read_failure(&cause)),
        )
    }

    /// Grants of its topics and of patterns, by topic or pattern.
    async fn grants(
        &self,
        first: Option<i32>,
        after: Option<String>,
        order_by: Option<OrderBy<GrantOrderField>>,
    ) -> Option<Result<List<Grant>>> {
        let filter = projections::grant::GrantFilter {
            broker: Some(self.0.id),
            ..Default::default()
        };
        let part = Part::new(first, after, order_by);
        Some(self.1.list(filter, part, Grant).await)
    }

    /// Its topics by name, those whose name holds `search`.
    async fn topics(
        &self,
        search: Option<String>,
        first: Option<i32>,
        after: Option<String>,
        order_by: Option<OrderBy<TopicOrderField>>,
    ) -> Option<Result<List<Topic>>> {
        let filter = TopicFilter {
            broker: self.0.id,
            search,
        };
        let part = Part::new(first, after, order_by);
        Some(self.1.list(filter, part, Topic).await)
    }
}

/// A kind of broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "DomainKind")]
pub enum BrokerKind {
    Kafka,
    Sqs,
    ServiceBus,
}

/// How a broker does.
#[derive(SimpleObject)]
pub struct BrokerStatus {
    pub state: BrokerState,
    /// Consumers that run.
    pub running: BigInt,
    /// Consumers that hold their position.
    pub blocked: BigInt,
    /// Consumers that ended by themselves and will be started again.
    pub failed: BigInt,
}

/// How a broker does, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum BrokerState {
    /// Nothing consumes from it now.
    Idle,
    /// Consumers run on it, and none has failed.
    Consuming,
    /// A consumer on it has failed and will be started again: its listener says why.
    Failing,
    /// Another broker took over from it.
    Replaced,
}

impl BrokerStatus {
    fn of(replaced: bool, counts: ConsumerCounts) -> Self {
        let state = match counts {
            _ if replaced => BrokerState::Replaced,
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
            running: BigInt(counts.running),
            blocked: BigInt(counts.blocked),
            failed: BigInt(counts.failed),
        }
    }
}

/// A reference to a credential, which only workers read.
#[derive(SimpleObject)]
pub struct Credential {
    /// Where it is kept and its name there: `provider/name`.
    pub name: String,
    /// From 1; to rotate is to refer to another version.
    pub version: u32,
}

/// How much there is of a broker.
#[derive(SimpleObject)]
pub struct BrokerCounts {
    /// Topics that the broker has.
    pub topics: BigInt,
    /// Grants of topics and of patterns.
    pub grants: BigInt,
    /// Enabled listeners, the paused among them.
    pub listeners: BigInt,
    /// Enabled publishers.
    pub publishers: BigInt,
}

/// What would stop if a broker were disconnected.
#[derive(SimpleObject)]
pub struct BrokerDeletionPreview {
    /// How many grants would end, of topics and of patterns.
    pub grants: BigInt,
    /// How many listeners would be disabled.
    pub listeners: BigInt,
    /// How many publishers would be disabled.
    pub publishers: BigInt,
    /// The first of those listeners, at most 100.
    pub listener_ids: Vec<ID>,
    /// The first of those publishers, at most 100.
    pub publisher_ids: Vec<ID>,
}

impl From<broker::BrokerCounts> for BrokerCounts {
    fn from(counts: broker::BrokerCounts) -> Self {
        Self {
            topics: BigInt(counts.topics),
            grants: BigInt(counts.grants),
            listeners: BigInt(counts.listeners),
            publishers: BigInt(counts.publishers),
        }
    }
}

impl From<Deletion> for BrokerDeletionPreview {
    fn from(deletion: Deletion) -> Self {
        let listeners = deletion.first_listeners.into_iter();
        let publishers = deletion.first_publishers.into_iter();
        Self {
            grants: BigInt(deletion.grants),
            listeners: BigInt(deletion.listeners),
            publishers: BigInt(deletion.publishers),
            listener_ids: listeners
                .map(|id| GlobalId::Listener(id).encode())
                .collect(),
            publisher_ids: publishers
                .map(|id| GlobalId::Publisher(id).encode())
                .collect(),
        }
    }
}
