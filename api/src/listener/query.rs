//! Reading listeners.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use domain::{AlgorithmId, TopicId};
use projections::listener::{ListenerFilter, ListenerSort};

use super::Listener;
use super::consumer::ConsumerState;
use crate::as_of::AsOf;
use crate::filter::{FilterInput, Members, Parent};
use crate::id;
use crate::list::{Bounds, List, OrderBy, Part};
use crate::view::View;

/// Which listeners to list; all of them by default. Each field given must match; a list matches if
/// any of its values does. A list has at most 100 values, and an empty list matches nothing.
#[derive(InputObject, Default)]
pub struct ListenerFilterInput {
    /// Only these.
    pub ids: Option<Vec<ID>>,
    /// Only on one of these brokers.
    pub broker_ids: Option<Vec<ID>>,
    /// Only on one of these topics.
    pub topic_ids: Option<Vec<ID>>,
    /// Only of algorithms of one of these organizations.
    pub organization_ids: Option<Vec<ID>>,
    /// Only of one of these algorithms.
    pub algorithm_ids: Option<Vec<ID>>,
    /// If true, only enabled ones; if false, only disabled ones.
    pub enabled: Option<bool>,
    /// If true, only paused ones; if false, only others.
    pub paused: Option<bool>,
    /// Only listeners with a consumer in one of these states; `BLOCKED` finds those that hold
    /// their position.
    pub consumer_states: Option<Vec<ConsumerState>>,
    /// Part of the name of the topic or of the algorithm.
    pub search: Option<String>,
    /// Only those that this filter does not match; it must not contain another `not`.
    pub not: Option<Box<ListenerFilterInput>>,
}

#[derive(Default)]
pub struct ListenerQuery;

#[Object]
impl ListenerQuery {
    /// Listeners, by topic and algorithm, enabled and disabled.
    #[expect(clippy::too_many_arguments, reason = "they are the field's")]
    async fn listeners(
        &self,
        ctx: &Context<'_>,
        filter: Option<ListenerFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        order_by: Option<OrderBy<ListenerOrderField>>,
        as_of: Option<AsOf>,
    ) -> Option<Result<List<Listener>>> {
        let bounds = Bounds {
            first,
            after,
            last,
            before,
        };
        let part = Part::new(bounds, order_by);
        Some(listeners(ctx, filter.unwrap_or_default(), part, as_of).await)
    }
}

async fn listeners(
    ctx: &Context<'_>,
    filter: ListenerFilterInput,
    part: Part<ListenerSort>,
    as_of: Option<AsOf>,
) -> Result<List<Listener>> {
    let view = View::at(ctx, as_of).await?;
    view.list(filter.filter(&())?, part, Listener).await
}

impl FilterInput for ListenerFilterInput {
    type Scope = ();
    type Filter = ListenerFilter;

    fn not(&mut self) -> &mut Option<Box<Self>> {
        &mut self.not
    }

    fn read(
        self,
        members: Members,
        _scope: &(),
        not: Option<Box<ListenerFilter>>,
    ) -> Result<ListenerFilter> {
        Ok(ListenerFilter {
            ids: members.ids("ids", self.ids, id::listener)?,
            brokers: members.ids("brokerIds", self.broker_ids, id::broker)?,
            topics: members.ids("topicIds", self.topic_ids, id::topic)?,
            organizations: members.ids(
                "organizationIds",
                self.organization_ids,
                id::organization,
            )?,
            algorithms: members.ids("algorithmIds", self.algorithm_ids, id::algorithm)?,
            enabled: self.enabled,
            paused: self.paused,
            consumer_states: members.words("consumerStates", self.consumer_states)?,
            search: self.search,
            not,
        })
    }
}

impl ListenerFilterInput {
    /// The filter of the list of one topic.
    pub(crate) fn on_topic(self, topic: &TopicId) -> Result<ListenerFilter> {
        Ok(ListenerFilter {
            topics: Some(vec![topic.clone()]),
            ..self.filter_of(Parent::Topic, &())?
        })
    }

    /// The filter of the list of one algorithm.
    pub(crate) fn of_algorithm(self, algorithm: &AlgorithmId) -> Result<ListenerFilter> {
        Ok(ListenerFilter {
            algorithms: Some(vec![algorithm.clone()]),
            ..self.filter_of(Parent::Algorithm, &())?
        })
    }
}

/// What listeners can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "ListenerSort")]
pub enum ListenerOrderField {
    /// By broker and by the name of the topic.
    Topic,
    /// By organization and name of the algorithm.
    Algorithm,
    /// By the time of the last change.
    ChangedAt,
}
