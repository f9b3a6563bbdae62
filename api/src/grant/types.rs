//! The types of a grant.

use async_graphql::{Context, Enum, ID, Object, Result, Union};
use domain::grant::{Access as DomainAccess, Grantee as DomainGrantee};
use domain::{TopicId, TopicName};
use projections::grant::Scope;

use crate::algorithm::Algorithm;
use crate::broker::Broker;
use crate::error::read_failure;
use crate::id::GlobalId;
use crate::loaders::RowLoader;
use crate::organization::Organization;
use crate::scalar::DateTime;

/// An administrator's permission to read or write topics: one, or all that a pattern covers.
pub struct Grant(pub projections::grant::Grant);

#[Object]
impl Grant {
    pub async fn id(&self) -> ID {
        GlobalId::Grant(self.0.key.clone()).encode()
    }

    async fn access(&self) -> Access {
        self.0.key.permission.access.into()
    }

    async fn granted_at(&self) -> DateTime {
        DateTime(self.0.granted_at)
    }

    /// The topic; null for a pattern.
    async fn topic_id(&self) -> Option<ID> {
        let topic = self.topic()?.clone();
        let connection = self.0.key.connection;
        Some(GlobalId::Topic(TopicId { connection, topic }).encode())
    }

    /// The name of the topic on its broker; null for a pattern.
    async fn topic_name(&self) -> Option<&str> {
        self.topic().map(TopicName::as_str)
    }

    /// The names of the topics that it covers, a `*` for any characters or none; null for a
    /// single topic.
    async fn topic_pattern(&self) -> Option<&str> {
        match &self.0.key.scope {
            Scope::Topic(_) => None,
            Scope::Pattern(pattern) => Some(pattern.as_str()),
        }
    }

    /// The event that a policy granted it for.
    async fn cause_event_id(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    async fn broker(&self, ctx: &Context<'_>) -> Option<Result<Broker>> {
        let loader = ctx.data_unchecked::<RowLoader>();
        let found = loader.load_one(self.0.key.connection).await;
        found
            .map(|row| row.map(Broker))
            .map_err(|cause| read_failure(&cause))
            .transpose()
    }

    /// Whom it is given to: an algorithm, or an organization with all of its algorithms.
    async fn grantee(&self, ctx: &Context<'_>) -> Option<Result<Grantee>> {
        match &self.0.key.permission.grantee {
            DomainGrantee::Algorithm(_) => {
                let algorithm = self.load_algorithm(ctx).await?;
                Some(algorithm.map(Grantee::Algorithm))
            }
            DomainGrantee::Organization(name) => {
                let loader = ctx.data_unchecked::<RowLoader>();
                let found = loader.load_one(name.clone()).await;
                found
                    .map(|row| row.map(|row| Grantee::Organization(Organization(row))))
                    .map_err(|cause| read_failure(&cause))
                    .transpose()
            }
        }
    }

    /// The algorithm that it is given to; null where that is an organization.
    async fn algorithm(&self, ctx: &Context<'_>) -> Option<Result<Algorithm>> {
        self.load_algorithm(ctx).await
    }
}

impl Grant {
    fn topic(&self) -> Option<&TopicName> {
        match &self.0.key.scope {
            Scope::Topic(topic) => Some(topic),
            Scope::Pattern(_) => None,
        }
    }

    async fn load_algorithm(&self, ctx: &Context<'_>) -> Option<Result<Algorithm>> {
        let DomainGrantee::Algorithm(id) = &self.0.key.permission.grantee else {
            return None;
        };
        let loader = ctx.data_unchecked::<RowLoader>();
        let found = loader.load_one(id.clone()).await;
        found
            .map(|row| row.map(Algorithm))
            .map_err(|cause| read_failure(&cause))
            .transpose()
    }
}

/// Whom a grant is given to.
#[derive(Union)]
pub enum Grantee {
    Algorithm(Algorithm),
    /// All algorithms of it, those among them that come later.
    Organization(Organization),
}

/// What a grant permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "DomainAccess")]
pub enum Access {
    /// The algorithm may be fed from the topic.
    Subscribe,
    /// The algorithm's results may be written to the topic.
    Publish,
}
