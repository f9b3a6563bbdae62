//! The types of an algorithm.

use async_graphql::{Enum, ID, Object, Result};
use domain::algorithm::Protocol as DomainProtocol;

use crate::grant::Grant;
use crate::grant::query::GrantOrderField;
use crate::id::GlobalId;
use crate::list::{List, OrderBy, Part};
use crate::listener::Listener;
use crate::listener::query::ListenerOrderField;
use crate::loaders::VersionsOf;
use crate::organization::Organization;
use crate::publisher::Publisher;
use crate::publisher::query::PublisherOrderField;
use crate::scalar::DateTime;
use crate::view::View;

/// Something that can be called, written `organization/name`.
pub struct Algorithm(
    pub(crate) projections::algorithm::Algorithm,
    pub(crate) View,
);

#[Object]
impl Algorithm {
    pub async fn id(&self) -> ID {
        GlobalId::Algorithm(self.0.id.clone()).encode()
    }

    /// `organization/name`
    async fn name(&self) -> String {
        self.0.id.to_string()
    }

    /// Who owns it.
    async fn organization(&self) -> Option<Result<Organization>> {
        self.1
            .find(self.0.id.organization.clone(), Organization)
            .await
    }

    async fn description(&self) -> &str {
        &self.0.description
    }

    async fn registered_at(&self) -> DateTime {
        DateTime(self.0.registered_at)
    }

    /// It is over: nothing of it is called any more.
    async fn retired(&self) -> bool {
        self.0.retired_at.is_some()
    }

    async fn retired_at(&self) -> Option<DateTime> {
        self.0.retired_at.map(DateTime)
    }

    /// Its published versions, the withdrawn among them, the newest first.
    async fn versions(&self) -> Option<Result<Vec<Version>>> {
        let rows = self.1.load(VersionsOf(self.0.id.clone())).await;
        Some(rows.map(|rows| rows.unwrap_or_default().into_iter().map(Version).collect()))
    }

    /// The topics that it may read or write, by grants to itself and to its organization.
    async fn grants(
        &self,
        first: Option<i32>,
        after: Option<String>,
        order_by: Option<OrderBy<GrantOrderField>>,
    ) -> Option<Result<List<Grant>>> {
        let filter = projections::grant::GrantFilter {
            algorithm: Some(self.0.id.clone()),
            ..Default::default()
        };
        let part = Part::new(first, after, order_by);
        Some(self.1.list(filter, part, Grant).await)
    }

    /// What feeds it, the enabled and the disabled.
    async fn listeners(
        &self,
        first: Option<i32>,
        after: Option<String>,
        order_by: Option<OrderBy<ListenerOrderField>>,
    ) -> Option<Result<List<Listener>>> {
        let filter = projections::listener::ListenerFilter {
            algorithm: Some(self.0.id.clone()),
            ..Default::default()
        };
        let part = Part::new(first, after, order_by);
        Some(self.1.list(filter, part, Listener).await)
    }

    /// Where its results go, the enabled and the disabled.
    async fn publishers(
        &self,
        first: Option<i32>,
        after: Option<String>,
        order_by: Option<OrderBy<PublisherOrderField>>,
    ) -> Option<Result<List<Publisher>>> {
        let filter = projections::publisher::PublisherFilter {
            algorithm: Some(self.0.id.clone()),
            ..Default::default()
        };
        let part = Part::new(first, after, order_by);
        Some(self.1.list(filter, part, Publisher).await)
    }
}

/// A published version. It never changes; it may be withdrawn.
#[derive(Clone)]
pub struct Version(pub projections::algorithm::PublishedVersion);

#[Object]
impl Version {
    pub async fn id(&self) -> ID {
        GlobalId::Version(self.0.algorithm.clone(), self.0.version.clone()).encode()
    }

    async fn version(&self) -> String {
        self.0.version.to_string()
    }

    /// The URL that is called.
    async fn endpoint(&self) -> &str {
        &self.0.endpoint
    }

    async fn protocol(&self) -> Protocol {
        self.0.protocol.into()
    }

    /// How long a call may take in all.
    async fn timeout_ms(&self) -> u64 {
        self.0.timeout_ms
    }

    async fn published_at(&self) -> DateTime {
        DateTime(self.0.published_at)
    }

    /// It is called no more.
    async fn withdrawn(&self) -> bool {
        self.0.withdrawn.is_some()
    }

    async fn withdrawn_at(&self) -> Option<DateTime> {
        self.0
            .withdrawn
            .as_ref()
            .map(|withdrawn| DateTime(withdrawn.at))
    }

    /// Why it was withdrawn, where a reason was given.
    async fn withdrawn_reason(&self) -> Option<&str> {
        self.0.withdrawn.as_ref()?.reason.as_deref()
    }
}

/// How the answer of an endpoint is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "DomainProtocol")]
pub enum Protocol {
    /// The status decides; the body of a 2xx is the result.
    Raw,
    /// The original product's envelope: `{"result": …}` or `{"error": …}`.
    Algorithmia,
}
