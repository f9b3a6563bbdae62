//! Reading listeners.

use async_graphql::connection::Connection;
use async_graphql::{Context, ID, InputObject, Object, Result};
use projections::listener::ListenerFilter;

use super::Listener;
use crate::as_of::AsOf;
use crate::id::{self, chosen};
use crate::paging::{Cursor, paging};
use crate::view::View;

/// Which listeners are asked for; all where nothing is set.
#[derive(InputObject, Default)]
pub struct ListenerFilterInput {
    pub broker_id: Option<ID>,
    pub topic_id: Option<ID>,
    pub organization_id: Option<ID>,
    pub algorithm_id: Option<ID>,
    pub enabled: Option<bool>,
    pub paused: Option<bool>,
    /// Part of the name of the topic or of the algorithm.
    pub search: Option<String>,
}

#[derive(Default)]
pub struct ListenerQuery;

#[Object]
impl ListenerQuery {
    /// Listeners, by topic and algorithm, the enabled and the disabled.
    async fn listeners(
        &self,
        ctx: &Context<'_>,
        filter: Option<ListenerFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        as_of: Option<AsOf>,
    ) -> Option<Result<Connection<Cursor, Listener>>> {
        Some(listeners(ctx, filter.unwrap_or_default(), first, after, as_of).await)
    }
}

async fn listeners(
    ctx: &Context<'_>,
    filter: ListenerFilterInput,
    first: Option<i32>,
    after: Option<String>,
    as_of: Option<AsOf>,
) -> Result<Connection<Cursor, Listener>> {
    let view = View::at(ctx, as_of).await?;
    listeners_where(&view, &filter.filter()?, first, after).await
}

impl ListenerFilterInput {
    fn filter(self) -> Result<ListenerFilter> {
        Ok(ListenerFilter {
            connection: chosen(self.broker_id.as_ref(), id::broker)?,
            topic: chosen(self.topic_id.as_ref(), id::topic)?,
            organization: chosen(self.organization_id.as_ref(), id::organization)?,
            algorithm: chosen(self.algorithm_id.as_ref(), id::algorithm)?,
            enabled: self.enabled,
            paused: self.paused,
            search: self.search,
        })
    }
}

pub(crate) async fn listeners_where(
    view: &View,
    filter: &ListenerFilter,
    first: Option<i32>,
    after: Option<String>,
) -> Result<Connection<Cursor, Listener>> {
    let paging = paging(first, after.as_deref())?;
    let page = view.model().listeners(filter, &paging).await;
    view.connection(page, &paging, |row| row.id.to_string(), Listener)
}
