//! Reading listeners.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use domain::{AlgorithmId, TopicId};
use projections::listener::{ListenerFilter, ListenerSort};

use super::Listener;
use crate::as_of::AsOf;
use crate::error::invalid;
use crate::id::{self, chosen};
use crate::list::{List, OrderBy, Part};
use crate::view::View;

/// Which listeners to list; all of them by default.
#[derive(InputObject, Default)]
pub struct ListenerFilterInput {
    /// Only on this broker.
    pub broker_id: Option<ID>,
    /// Only on this topic.
    pub topic_id: Option<ID>,
    /// Only of algorithms of this organization.
    pub organization_id: Option<ID>,
    /// Only of this algorithm.
    pub algorithm_id: Option<ID>,
    /// Only enabled ones, or only disabled ones.
    pub enabled: Option<bool>,
    /// Only paused ones, or only others.
    pub paused: Option<bool>,
    /// Part of the name of the topic or of the algorithm.
    pub search: Option<String>,
}

#[derive(Default)]
pub struct ListenerQuery;

#[Object]
impl ListenerQuery {
    /// Listeners, by topic and algorithm, enabled and disabled.
    async fn listeners(
        &self,
        ctx: &Context<'_>,
        filter: Option<ListenerFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        order_by: Option<OrderBy<ListenerOrderField>>,
        as_of: Option<AsOf>,
    ) -> Option<Result<List<Listener>>> {
        let part = Part::new(first, after, order_by);
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
    view.list(filter.filter()?, part, Listener).await
}

impl ListenerFilterInput {
    /// The filter of the list of one topic.
    pub(crate) fn on_topic(self, topic: &TopicId) -> Result<ListenerFilter> {
        if self.topic_id.is_some() {
            return Err(invalid(
                "the list is of one topic: leave out filter.topicId",
            ));
        }
        Ok(ListenerFilter {
            topic: Some(topic.clone()),
            ..self.filter()?
        })
    }

    /// The filter of the list of one algorithm.
    pub(crate) fn of_algorithm(self, algorithm: &AlgorithmId) -> Result<ListenerFilter> {
        if self.algorithm_id.is_some() {
            return Err(invalid(
                "the list is of one algorithm: leave out filter.algorithmId",
            ));
        }
        Ok(ListenerFilter {
            algorithm: Some(algorithm.clone()),
            ..self.filter()?
        })
    }

    fn filter(self) -> Result<ListenerFilter> {
        Ok(ListenerFilter {
            broker: chosen(self.broker_id.as_ref(), id::broker)?,
            topic: chosen(self.topic_id.as_ref(), id::topic)?,
            organization: chosen(self.organization_id.as_ref(), id::organization)?,
            algorithm: chosen(self.algorithm_id.as_ref(), id::algorithm)?,
            enabled: self.enabled,
            paused: self.paused,
            search: self.search,
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
