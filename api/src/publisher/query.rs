//! Reading publishers.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use domain::{AlgorithmId, TopicId};
use projections::publisher::{PublisherFilter, PublisherSort};

use super::Publisher;
use crate::as_of::AsOf;
use crate::filter::{FilterInput, Members, Parent};
use crate::id;
use crate::list::{Bounds, List, OrderBy, Part};
use crate::view::View;

/// Which publishers to list; all of them by default. Each field given must match; a list matches
/// if any of its values does. A list has at most 100 values, and an empty list matches nothing.
#[derive(InputObject, Default)]
pub struct PublisherFilterInput {
    /// Only these.
    pub ids: Option<Vec<ID>>,
    /// Only on one of these brokers.
    pub broker_ids: Option<Vec<ID>>,
    /// Only to one of these topics.
    pub topic_ids: Option<Vec<ID>>,
    /// Only of algorithms of one of these organizations.
    pub organization_ids: Option<Vec<ID>>,
    /// Only of one of these algorithms.
    pub algorithm_ids: Option<Vec<ID>>,
    /// If true, only enabled ones; if false, only disabled ones.
    pub enabled: Option<bool>,
    /// Part of the name of the topic or of the algorithm.
    pub search: Option<String>,
    /// Only those that this filter does not match; it must not contain another `not`.
    pub not: Option<Box<PublisherFilterInput>>,
}

#[derive(Default)]
pub struct PublisherQuery;

#[Object]
impl PublisherQuery {
    /// Publishers, by topic and algorithm, enabled and disabled.
    #[expect(clippy::too_many_arguments, reason = "they are the field's")]
    async fn publishers(
        &self,
        ctx: &Context<'_>,
        filter: Option<PublisherFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        order_by: Option<OrderBy<PublisherOrderField>>,
        as_of: Option<AsOf>,
    ) -> Option<Result<List<Publisher>>> {
        let bounds = Bounds {
            first,
            after,
            last,
            before,
        };
        let part = Part::new(bounds, order_by);
        Some(publishers(ctx, filter.unwrap_or_default(), part, as_of).await)
    }
}

async fn publishers(
    ctx: &Context<'_>,
    filter: PublisherFilterInput,
    part: Part<PublisherSort>,
    as_of: Option<AsOf>,
) -> Result<List<Publisher>> {
    let view = View::at(ctx, as_of).await?;
    view.list(filter.filter(&())?, part, Publisher).await
}

impl FilterInput for PublisherFilterInput {
    type Scope = ();
    type Filter = PublisherFilter;

    fn not(&mut self) -> &mut Option<Box<Self>> {
        &mut self.not
    }

    fn read(
        self,
        members: Members,
        _scope: &(),
        not: Option<Box<PublisherFilter>>,
    ) -> Result<PublisherFilter> {
        Ok(PublisherFilter {
            ids: members.ids("ids", self.ids, id::publisher)?,
            brokers: members.ids("brokerIds", self.broker_ids, id::broker)?,
            topics: members.ids("topicIds", self.topic_ids, id::topic)?,
            organizations: members.ids(
                "organizationIds",
                self.organization_ids,
                id::organization,
            )?,
            algorithms: members.ids("algorithmIds", self.algorithm_ids, id::algorithm)?,
            enabled: self.enabled,
            search: self.search,
            not,
        })
    }
}

impl PublisherFilterInput {
    /// The filter of the list of one topic.
    pub(crate) fn on_topic(self, topic: &TopicId) -> Result<PublisherFilter> {
        Ok(PublisherFilter {
            topics: Some(vec![topic.clone()]),
            ..self.filter_of(Parent::Topic, &())?
        })
    }

    /// The filter of the list of one algorithm.
    pub(crate) fn of_algorithm(self, algorithm: &AlgorithmId) -> Result<PublisherFilter> {
        Ok(PublisherFilter {
            algorithms: Some(vec![algorithm.clone()]),
            ..self.filter_of(Parent::Algorithm, &())?
        })
    }
}

/// What publishers can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "PublisherSort")]
pub enum PublisherOrderField {
    /// By broker and by the name of the topic.
    Topic,
    /// By organization and name of the algorithm.
    Algorithm,
    /// By the time of the last change.
    ChangedAt,
}
