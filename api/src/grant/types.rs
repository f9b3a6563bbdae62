//! The types of a grant.

use async_graphql::{Context, Enum, ID, Object, Result, Union};
use domain::TopicId;
use domain::grant::{Access as DomainAccess, Grantee as DomainGrantee, Scope};
use projections::ending::Ending;

use crate::algorithm::Algorithm;
use crate::broker::Broker;
use crate::ending::{self, EndPreview};
use crate::event::{self, Event};
use crate::id::GlobalId;
use crate::organization::Organization;
use crate::scalar::{DateTime, Revision};
use crate::topic::Topic;
use crate::view::View;

pub struct Grant(pub(crate) projections::grant::Grant, pub(crate) View);

/// An administrator's permission to use one topic, or all topics that match a pattern.
#[Object]
impl Grant {
    /// Its global id.
    pub async fn id(&self) -> ID {
        GlobalId::Grant(self.0.key.clone()).encode()
    }

    /// What it permits.
    async fn access(&self) -> GrantAccess {
        self.0.key.permission.access.into()
    }

    /// When it was granted.
    async fn granted_at(&self) -> DateTime {
        DateTime(self.0.granted_at)
    }

    /// Identifies the state that is shown; mutations take it as `expectedRevision`.
    async fn revision(&self) -> Revision {
        Revision(Some(self.0.revision))
    }

    /// The topic; null for a pattern.
    async fn topic(&self) -> Option<Result<Topic>> {
        match &self.0.key.scope {
            Scope::Topic(topic) => {
                let (broker, topic) = (self.0.key.broker, topic.clone());
                Some(Ok(Topic::of_id(TopicId { broker, topic }, self.1.clone())))
            }
            Scope::Pattern(_) => None,
        }
    }

    /// The pattern of topic names, in which `*` stands for any characters; null for a single topic.
    async fn topic_pattern(&self) -> Option<&str> {
        match &self.0.key.scope {
            Scope::Topic(_) => None,
            Scope::Pattern(pattern) => Some(pattern.as_str()),
        }
    }

    /// The event that made a policy grant it; null if a request granted it.
    async fn granted_because(&self, ctx: &Context<'_>) -> Option<Result<Event>> {
        event::because(ctx, self.0.cause.as_deref()?)
            .await
            .transpose()
    }

    /// What revoking it would end now: whatever nothing else permits.
    async fn revoke_preview(&self) -> Option<Result<EndPreview>> {
        ending::preview(&self.1, Ending::GrantRevoked(self.0.key.clone())).await
    }

    /// The broker of the topic or pattern.
    async fn broker(&self) -> Option<Result<Broker>> {
        self.1.find(self.0.key.broker, Broker).await
    }

    /// Who has it: an algorithm, or an organization with all of its algorithms.
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

    /// The algorithm that has it; null if an organization has it.
    async fn algorithm(&self) -> Option<Result<Algorithm>> {
        match &self.0.key.permission.grantee {
            DomainGrantee::Algorithm(id) => self.1.find(id.clone(), Algorithm).await,
            DomainGrantee::Organization(_) => None,
        }
    }
}

/// Who has a grant: an algorithm, or an organization with all of its algorithms, including those
/// registered later.
#[derive(Union)]
pub enum Grantee {
    Algorithm(Algorithm),
    Organization(Organization),
}

/// What a grant permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "DomainAccess")]
pub enum GrantAccess {
    /// The algorithm may be fed from the topic.
    Subscribe,
    /// The algorithm's results may be written to the topic, and its faulty messages.
    Publish,
    /// The algorithm's faulty messages may be written to the topic.
    DeadLetter,
}
