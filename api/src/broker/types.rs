//! The types of a broker connection.

use async_graphql::connection::Connection;
use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject, Union};
use domain::connection::KafkaSecurity as DomainSecurity;

use crate::id::GlobalId;
use crate::paging::Cursor;
use crate::scalar::DateTime;
use crate::topic::Topic;
use crate::topic::query::topics_of;

/// A connected Kafka cluster. Its settings never change.
#[derive(Clone)]
pub struct Broker(pub projections::connection::Connection);

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

    /// Its topics by name, those whose name holds `search`.
    async fn topics(
        &self,
        ctx: &Context<'_>,
        search: Option<String>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Option<Result<Connection<Cursor, Topic>>> {
        Some(topics_of(ctx, self.0.id, search.as_deref(), first, after).await)
    }
}

/// How a broker is reached, by its kind.
#[derive(Union)]
pub enum BrokerSettings {
    Kafka(KafkaSettings),
}

/// How a Kafka cluster is reached.
#[derive(SimpleObject)]
pub struct KafkaSettings {
    /// `host:port`
    pub bootstrap_servers: Vec<String>,
    pub security: KafkaSecurity,
}

/// How a Kafka client proves itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "DomainSecurity")]
pub enum KafkaSecurity {
    /// No encryption, no authentication.
    Plaintext,
}

impl From<domain::connection::BrokerSettings> for BrokerSettings {
    fn from(settings: domain::connection::BrokerSettings) -> Self {
        let domain::connection::BrokerSettings::Kafka {
            bootstrap_servers,
            security,
        } = settings;
        Self::Kafka(KafkaSettings {
            bootstrap_servers,
            security: security.into(),
        })
    }
}
