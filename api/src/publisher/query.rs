//! Reading publishers.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use domain::{AlgorithmId, TopicId};
use projections::publisher::{PublisherFilter, PublisherSort};

use super::Publisher;
use crate::as_of::AsOf;
use crate::error::invalid;
use crate::id::{self, chosen};
use crate::list::{List, OrderBy, Part};
use crate::view::View;

/// Which publishers to list; all of them by default.
#[derive(InputObject, Default)]
pub struct PublisherFilterInput {
    /// Only on this broker.
    pub broker_id: Option<ID>,
    /// Only to this topic.
    pub topic_id: Option<ID>,
    /// Only of algorithms of this organization.
    pub organization_id: Option<ID>,
    /// Only of this algorithm.
    pub algorithm_id: Option<ID>,
    /// Only enabled ones, or only disabled ones.
    pub enabled: Option<bool>,
    /// Part of the name of the topic or of the algorithm.
    pub search: Option<String>,
}

#[derive(Default)]
pub struct PublisherQuery;

#[Object]
impl PublisherQuery {
    /// Publishers, by topic and algorithm, enabled and disabled.
    async fn publishers(
        &self,
        ctx: &Context<'_>,
        filter: Option<PublisherFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        order_by: Option<OrderBy<PublisherOrderField>>,
        as_of: Option<AsOf>,
    ) -> Option<Result<List<Publisher>>> {
        let part = Part::new(first, after, order_by);
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
    view.list(filter.filter()?, part, Publisher).await
}

impl PublisherFilterInput {
    /// The filter of the list of one topic.
    pub(crate) fn on_topic(self, topic: &TopicId) -> Result<PublisherFilter> {
        if self.topic_id.is_some() {
            return Err(invalid(
                "the list is of one topic: leave out filter.topicId",
            ));
        }
        Ok(PublisherFilter {
            topic: Some(topic.clone()),
            ..self.filter()?
        })
    }

    /// The filter of the list of one algorithm.
    pub(crate) fn of_algorithm(self, algorithm: &AlgorithmId) -> Result<PublisherFilter> {
        if self.algorithm_id.is_some() {
            return Err(invalid(
                "the list is of one algorithm: leave out filter.algorithmId",
            ));
        }
        Ok(PublisherFilter {
            algorithm: Some(algorithm.clone()),
            ..self.filter()?
        })
    }

    fn filter(self) -> Result<PublisherFilter> {
        Ok(PublisherFilter {
            broker: chosen(self.broker_id.as_ref(), id::broker)?,
            topic: chosen(self.topic_id.as_ref(), id::topic)?,
            organization: chosen(self.organization_id.as_ref(), id::organization)?,
            algorithm: chosen(self.algorithm_id.as_ref(), id::algorithm)?,
            enabled: self.enabled,
            search: self.search,
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
