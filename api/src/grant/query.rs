//! Reading grants.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use domain::{AlgorithmId, BrokerId, OrganizationName, TopicId};
use projections::grant::{GrantFilter, GrantSort};

use super::{Grant, GrantAccess};
use crate::as_of::AsOf;
use crate::filter::{FilterInput, Members, Parent};
use crate::id;
use crate::list::{Bounds, List, OrderBy, Part};
use crate::view::View;

/// Which grants to list; all of them by default. Each field given must match; a list matches if
/// any of its values does. A list has at most 100 values, and an empty list matches nothing.
#[derive(InputObject, Default)]
pub struct GrantFilterInput {
    /// Only these.
    pub ids: Option<Vec<ID>>,
    /// Only on one of these brokers.
    pub broker_ids: Option<Vec<ID>>,
    /// Only grants that apply to one of these topics, directly or by a pattern.
    pub topic_ids: Option<Vec<ID>>,
    /// Only grants that apply to one of these algorithms, directly or through its organization.
    pub algorithm_ids: Option<Vec<ID>>,
    /// Only grants to one of these organizations or to an algorithm of one.
    pub organization_ids: Option<Vec<ID>>,
    /// Only grants that permit one of these.
    pub access: Option<Vec<GrantAccess>>,
    /// Only those that this filter does not match; it must not contain another `not`.
    pub not: Option<Box<GrantFilterInput>>,
}

#[derive(Default)]
pub struct GrantQuery;

#[Object]
impl GrantQuery {
    /// Grants in force, by broker and by topic or pattern.
    #[expect(clippy::too_many_arguments, reason = "they are the field's")]
    async fn grants(
        &self,
        ctx: &Context<'_>,
        filter: Option<GrantFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        order_by: Option<OrderBy<GrantOrderField>>,
        as_of: Option<AsOf>,
    ) -> Option<Result<List<Grant>>> {
        let bounds = Bounds {
            first,
            after,
            last,
            before,
        };
        let part = Part::new(bounds, order_by);
        Some(grants(ctx, filter.unwrap_or_default(), part, as_of).await)
    }
}

async fn grants(
    ctx: &Context<'_>,
    filter: GrantFilterInput,
    part: Part<GrantSort>,
    as_of: Option<AsOf>,
) -> Result<List<Grant>> {
    let view = View::at(ctx, as_of).await?;
    view.list(filter.filter(&())?, part, Grant).await
}

impl FilterInput for GrantFilterInput {
    type Scope = ();
    type Filter = GrantFilter;

    fn not(&mut self) -> &mut Option<Box<Self>> {
        &mut self.not
    }

    fn read(
        self,
        members: Members,
        _scope: &(),
        not: Option<Box<GrantFilter>>,
    ) -> Result<GrantFilter> {
        Ok(GrantFilter {
            keys: members.ids("ids", self.ids, id::grant)?,
            brokers: members.ids("brokerIds", self.broker_ids, id::broker)?,
            topics: members.ids("topicIds", self.topic_ids, id::topic)?,
            algorithms: members.ids("algorithmIds", self.algorithm_ids, id::algorithm)?,
            organizations: members.ids(
                "organizationIds",
                self.organization_ids,
                id::organization,
            )?,
            access: members.words("access", self.access)?,
            not,
        })
    }
}

impl GrantFilterInput {
    /// The filter of the list of one broker.
    pub(crate) fn on_broker(self, broker: BrokerId) -> Result<GrantFilter> {
        Ok(GrantFilter {
            brokers: Some(vec![broker]),
            ..self.filter_of(Parent::Broker, &())?
        })
    }

    /// The filter of the list of one topic.
    pub(crate) fn on_topic(self, topic: &TopicId) -> Result<GrantFilter> {
        Ok(GrantFilter {
            topics: Some(vec![topic.clone()]),
            ..self.filter_of(Parent::Topic, &())?
        })
    }

    /// The filter of the list of one algorithm.
    pub(crate) fn for_algorithm(self, algorithm: &AlgorithmId) -> Result<GrantFilter> {
        Ok(GrantFilter {
            algorithms: Some(vec![algorithm.clone()]),
            ..self.filter_of(Parent::Algorithm, &())?
        })
    }

    /// The filter of the list of one organization.
    pub(crate) fn for_organization(self, organization: &OrganizationName) -> Result<GrantFilter> {
        Ok(GrantFilter {
            organizations: Some(vec![organization.clone()]),
            ..self.filter_of(Parent::Organization, &())?
        })
    }
}

/// What grants can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "GrantSort")]
pub enum GrantOrderField {
    /// By broker, by topic or pattern, and by grantee.
    Topic,
    /// By the time of granting.
    GrantedAt,
}
