//! The types of an algorithm.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use domain::AlgorithmId;
use domain::algorithm::{CallSettings, Protocol as DomainProtocol};
use projections::ending::Ending;
use projections::version::{VersionFilter, VersionSort};

use super::topic::{AlgorithmTopic, AlgorithmTopicFilterInput};
use super::withdraw_preview::{self, VersionWithdrawPreview};
use crate::ending::{self, EndPreview};
use crate::filter::{FilterInput, Members};
use crate::grant::Grant;
use crate::grant::query::{GrantFilterInput, GrantOrderField};
use crate::id::{self, GlobalId};
use crate::list::{Bounds, List, OrderBy, OrderDirection, Part};
use crate::listener::Listener;
use crate::listener::query::{ListenerFilterInput, ListenerOrderField};
use crate::loaders::VersionsOf;
use crate::organization::Organization;
use crate::publisher::Publisher;
use crate::publisher::query::{PublisherFilterInput, PublisherOrderField};
use crate::scalar::{DateTime, Revision};
use crate::view::View;

pub struct Algorithm(
    pub(crate) projections::algorithm::Algorithm,
    pub(crate) View,
);

/// Something that can be called, written `organization/name`.
#[Object]
impl Algorithm {
    /// Its global id.
    pub async fn id(&self) -> ID {
        GlobalId::Algorithm(self.0.id.clone()).encode()
    }

    /// `organization/name`
    async fn name(&self) -> String {
        self.0.id.to_string()
    }

    /// The organization that owns it.
    async fn organization(&self) -> Option<Result<Organization>> {
        self.1
            .find(self.0.id.organization.clone(), Organization)
            .await
    }

    /// What it does, for people.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// When it was registered.
    async fn registered_at(&self) -> DateTime {
        DateTime(self.0.registered_at)
    }

    /// Retired: none of its versions can be called.
    async fn retired(&self) -> bool {
        self.0.retired_at.is_some()
    }

    /// When it was retired; null if it is not.
    async fn retired_at(&self) -> Option<DateTime> {
        self.0.retired_at.map(DateTime)
    }

    /// Identifies the state that is shown; mutations take it as `expectedRevision`.
    async fn revision(&self) -> Revision {
        Revision(Some(self.0.revision))
    }

    /// Its published versions, withdrawn ones included; by default the highest first.
    #[expect(clippy::too_many_arguments, reason = "they are the field's")]
    async fn versions(
        &self,
        filter: Option<VersionFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        order_by: Option<OrderBy<VersionOrderField>>,
    ) -> Option<Result<List<Version>>> {
        let filter = match filter.unwrap_or_default().filter(&self.0.id) {
            Ok(filter) => filter,
            Err(error) => return Some(Err(error)),
        };
        let order_by = order_by.unwrap_or(OrderBy {
            field: VersionOrderField::Version,
            direction: OrderDirection::Descending,
        });
        let bounds = Bounds {
            first,
            after,
            last,
            before,
        };
        let part = Part::new(bounds, Some(order_by));
        Some(self.1.list(filter, part, Version).await)
    }

    /// The topics that grants to it and to its organization permit it to use, and whether it uses
    /// them; sorted by broker and name. The dead letter queue of a listener must be a topic of the
    /// same broker with the access `PUBLISH` or `DEAD_LETTER`.
    async fn topics(
        &self,
        filter: Option<AlgorithmTopicFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<List<AlgorithmTopic>>> {
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
        let part = Part::in_order(bounds);
        Some(self.1.list(filter, part, AlgorithmTopic::of_row).await)
    }

    /// What `algorithmRetire` would end now; null if it is already retired.
    async fn retire_preview(&self) -> Option<Result<EndPreview>> {
        if self.0.retired_at.is_some() {
            return None;
        }
        ending::preview(&self.1, Ending::AlgorithmRetired(self.0.id.clone())).await
    }

    /// The grants that let it read or write topics: its own and those of its organization.
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
        let filter = match filter.unwrap_or_default().for_algorithm(&self.0.id) {
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

    /// The listeners that feed it, enabled and disabled.
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
        let filter = match filter.unwrap_or_default().of_algorithm(&self.0.id) {
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
        Some(self.1.list(filter, part, Listener).await)
    }

    /// The publishers that take its results, enabled and disabled.
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
        let filter = match filter.unwrap_or_default().of_algorithm(&self.0.id) {
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
        Some(self.1.list(filter, part, Publisher).await)
    }
}

#[derive(Clone)]
pub struct Version(
    pub(crate) projections::version::PublishedVersion,
    pub(crate) View,
);

impl Version {
    /// The version with that number, as it is now.
    ///
    /// # Errors
    /// The read models cannot be read.
    pub(super) async fn find(
        ctx: &Context<'_>,
        algorithm: &AlgorithmId,
        version: &domain::Version,
    ) -> Result<Option<Self>> {
        Self::in_view(&View::live(ctx), algorithm, version).await
    }

    /// The version with that number, as it is in `view`.
    ///
    /// # Errors
    /// The read models cannot be read.
    pub(crate) async fn in_view(
        view: &View,
        algorithm: &AlgorithmId,
        version: &domain::Version,
    ) -> Result<Option<Self>> {
        let rows = view.load(VersionsOf(algorithm.clone())).await?;
        let mut rows = rows.unwrap_or_default().into_iter();
        let row = rows.find(|row| row.version == *version);
        Ok(row.map(|row| Self(row, view.clone())))
    }
}

/// A published version. It never changes; it may be withdrawn.
#[Object]
impl Version {
    /// Its global id.
    pub async fn id(&self) -> ID {
        GlobalId::Version(self.0.algorithm.clone(), self.0.version.clone()).encode()
    }

    /// The algorithm that it is a version of.
    async fn algorithm(&self) -> Option<Result<Algorithm>> {
        self.1.find(self.0.algorithm.clone(), Algorithm).await
    }

    /// The version, for example `1.2.3` or `1.2.3-rc.1`.
    async fn version(&self) -> String {
        self.0.version.to_string()
    }

    /// Identifies the state that is shown; mutations take it as `expectedRevision`.
    async fn revision(&self) -> Revision {
        Revision(Some(self.0.revision))
    }

    /// The URL that is called.
    async fn endpoint(&self) -> &str {
        &self.0.endpoint
    }

    /// How the endpoint is called, and how its answer is read.
    async fn protocol(&self) -> EndpointProtocol {
        self.0.protocol.into()
    }

    /// How long one call may take.
    async fn timeout_ms(&self) -> u64 {
        self.0.timeout_ms
    }

    /// How long connecting to the endpoint may take.
    async fn connect_timeout_ms(&self) -> u64 {
        let connect = self.0.calls.connect_timeout_ms;
        connect.unwrap_or(CallSettings::CONNECT_TIMEOUT_MS)
    }

    /// How long the endpoint may be silent from the beginning of a call until the head of its answer;
    /// null means as long as the call may take.
    async fn first_byte_timeout_ms(&self) -> Option<u64> {
        self.0.calls.first_byte_timeout_ms
    }

    /// How long the endpoint may be silent between two pieces of its answer; null means as long as the
    /// call may take.
    async fn idle_timeout_ms(&self) -> Option<u64> {
        self.0.calls.idle_timeout_ms
    }

    /// Whether the endpoint is said to put calls of several callers into one batch, and to refuse all of
    /// them for one.
    async fn batches_callers(&self) -> bool {
        self.0.calls.batches_callers
    }

    /// When it was published.
    async fn published_at(&self) -> DateTime {
        DateTime(self.0.published_at)
    }

    /// Withdrawn: it cannot be called any more.
    async fn withdrawn(&self) -> bool {
        self.0.withdrawn.is_some()
    }

    /// When it was withdrawn; null if it is not.
    async fn withdrawn_at(&self) -> Option<DateTime> {
        self.0
            .withdrawn
            .as_ref()
            .map(|withdrawn| DateTime(withdrawn.at))
    }

    /// What withdrawing it would do now; null if it is already withdrawn.
    async fn withdraw_preview(&self) -> Option<Result<VersionWithdrawPreview>> {
        if self.0.withdrawn.is_some() {
            return None;
        }
        Some(withdraw_preview::preview(&self.1, &self.0).await)
    }

    /// Why it was withdrawn, if a reason was given.
    async fn withdrawn_reason(&self) -> Option<&str> {
        self.0.withdrawn.as_ref()?.reason.as_deref()
    }
}

/// Which versions to list; all of them by default. Each field given must match; a list matches if
/// any of its values does. A list has at most 100 values, and an empty list matches nothing.
#[derive(InputObject, Default)]
pub struct VersionFilterInput {
    /// Only these.
    pub ids: Option<Vec<ID>>,
    /// If true, only withdrawn ones; if false, only others.
    pub withdrawn: Option<bool>,
    /// Only those that this filter does not match; it must not contain another `not`.
    pub not: Option<Box<VersionFilterInput>>,
}

impl FilterInput for VersionFilterInput {
    type Scope = AlgorithmId;
    type Filter = VersionFilter;

    fn not(&mut self) -> &mut Option<Box<Self>> {
        &mut self.not
    }

    fn read(
        self,
        members: Members,
        algorithm: &AlgorithmId,
        not: Option<Box<VersionFilter>>,
    ) -> Result<VersionFilter> {
        let versions = members.ids("ids", self.ids, id::version)?;
        Ok(VersionFilter {
            algorithm: algorithm.clone(),
            versions: versions.map(|versions| {
                let versions = versions.into_iter();
                let own = versions.filter(|(of, _)| of == algorithm);
                own.map(|(_, version)| version).collect()
            }),
            withdrawn: self.withdrawn,
            not,
        })
    }
}

/// What versions can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "VersionSort")]
pub enum VersionOrderField {
    /// By precedence, as semantic versions are ordered.
    Version,
    /// By the time of publication.
    PublishedAt,
}

/// How the answer of an endpoint is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "DomainProtocol")]
pub enum EndpointProtocol {
    /// The status decides; the body of a 2xx is the result.
    Raw,
    /// The original product's envelope: `{"result": …}` or `{"error": …}`.
    Algorithmia,
}
