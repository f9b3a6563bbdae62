//! The types of a grant.

use async_graphql::{Enum, ID, Object, Result, Union};
use domain::grant::{Access as DomainAccess, Grantee as DomainGrantee};
use domain::{TopicId, TopicName};
use projections::grant::Scope;

use crate::algorithm::Algorithm;
use crate::broker::Broker;
use crate::id::GlobalId;
use crate::organization::Organization;
use crate::scalar::DateTime;
use crate::view::View;

/// An administrator's permission to read or write topics: one, or all that a pattern covers.
pub struct Grant(pub(crate) projections::grant::Grant, pub(crate) View);

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
        let broker = self.0.key.broker;
        Some(GlobalId::Topic(TopicId { broker, topic }).encode())
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

    async fn broker(&self) -> Option<Result<Broker>> {
        self.1.find(self.0.key.broker, Broker).await
    }

    /// Whom it is given to: an algorithm, or an organization with all of its algorithms.
    async fn grantee(&self) -> Option<Result<Grantee>> {
        match &self.0.key.permission.grantee {
            DomainGrantee::Algorithm(id) => {
                let algorithm = self.1.find(id.clone(), Algorithm).await?;
                Some(algorithm.map(Grantee::Algorithm))
            }
            DomainGrantee::Organization(name) => {
                let organization = self.1.find(name.clone(), Organization).await?;
                Some(organization.map(Grantee::Organization))
            }
        }
    }

    /// The algorithm that it is given to; null where that is an organization.
    async fn algorithm(&self) -> Option<Result<Algorithm>> {
        match &self.0.key.permission.grantee {
            DomainGrantee::Algorithm(id) => self.1.find(id.clone(), Algorithm).await,
            DomainGrantee::Organization(_) => None,
        }
    }
}

impl Grant {
    fn topic(&self) -> Option<&TopicName> {
        match &self.0.key.scope {
            Scope::Topic(topic) => Some(topic),
            Scope::Pattern(_) => None,
        }
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
