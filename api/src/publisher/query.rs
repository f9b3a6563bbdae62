//! Reading publishers.

use async_graphql::connection::Connection;
use async_graphql::{Context, ID, InputObject, Object, Result};
use projections::publisher::PublisherFilter;

use super::Publisher;
use crate::as_of::AsOf;
use crate::id::{self, chosen};
use crate::paging::{Cursor, paging};
use crate::view::View;

/// Which publishers are asked for; all where nothing is set.
#[derive(InputObject, Default)]
pub struct PublisherFilterInput {
    pub broker_id: Option<ID>,
    pub topic_id: Option<ID>,
    pub organization_id: Option<ID>,
    pub algorithm_id: Option<ID>,
    pub enabled: Option<bool>,
    /// Part of the name of the topic or of the algorithm.
    pub search: Option<String>,
}

#[derive(Default)]
pub struct PublisherQuery;

#[Object]
impl PublisherQuery {
    /// Publishers, by topic and algorithm, the enabled and the disabled.
    async fn publishers(
        &self,
        ctx: &Context<'_>,
        filter: Option<PublisherFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        as_of: Option<AsOf>,
    ) -> Option<Result<Connection<Cursor, Publisher>>> {
        Some(publishers(ctx, filter.unwrap_or_default(), first, after, as_of).await)
    }
}

async fn publishers(
    ctx: &Context<'_>,
    filter: PublisherFilterInput,
    first: Option<i32>,
    after: Option<String>,
    as_of: Option<AsOf>,
) -> Result<Connection<Cursor, Publisher>> {
    let view = View::at(ctx, as_of).await?;
    publishers_where(&view, &filter.filter()?, first, after).await
}

impl PublisherFilterInput {
    fn filter(self) -> Result<PublisherFilter> {
        Ok(PublisherFilter {
            connection: chosen(self.broker_id.as_ref(), id::broker)?,
            topic: chosen(self.topic_id.as_ref(), id::topic)?,
            organization: chosen(self.organization_id.as_ref(), id::organization)?,
            algorithm: chosen(self.algorithm_id.as_ref(), id::algorithm)?,
            enabled: self.enabled,
            search: self.search,
        })
    }
}

pub(crate) async fn publishers_where(
    view: &View,
    filter: &PublisherFilter,
    first: Option<i32>,
    after: Option<String>,
) -> Result<Connection<Cursor, Publisher>> {
    let paging = paging(first, after.as_deref())?;
    let page = view.model().publishers(filter, &paging).await;
    view.connection(page, &paging, |row| row.id.to_string(), Publisher)
}
