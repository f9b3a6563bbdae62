//! Reading listeners.

use async_graphql::connection::Connection;
use async_graphql::{Context, ID, InputObject, Object, Result};
use projections::listener::ListenerFilter;

use super::Listener;
use crate::control::control;
use crate::error::{invalid, read_failure};
use crate::id::{self, IdError};
use crate::paging::{self, Cursor, paging};

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
    ) -> Option<Result<Connection<Cursor, Listener>>> {
        Some(match filter.unwrap_or_default().filter() {
            Ok(filter) => listeners_where(ctx, &filter, first, after).await,
            Err(error) => Err(invalid(error.to_string())),
        })
    }
}

impl ListenerFilterInput {
    fn filter(self) -> Result<ListenerFilter, IdError> {
        Ok(ListenerFilter {
            connection: self.broker_id.as_ref().map(id::broker).transpose()?,
            topic: self.topic_id.as_ref().map(id::topic).transpose()?,
            organization: self
                .organization_id
                .as_ref()
                .map(id::organization)
                .transpose()?,
            algorithm: self.algorithm_id.as_ref().map(id::algorithm).transpose()?,
            enabled: self.enabled,
            paused: self.paused,
            search: self.search,
        })
    }
}

pub(crate) async fn listeners_where(
    ctx: &Context<'_>,
    filter: &ListenerFilter,
    first: Option<i32>,
    after: Option<String>,
) -> Result<Connection<Cursor, Listener>> {
    let paging = paging(first, after.as_deref())?;
    let page = control(ctx).model.listeners(filter, &paging).await;
    let page = page.map_err(|cause| read_failure(&cause))?;
    Ok(paging::connection(
        page,
        &paging,
        |row| row.id.to_string(),
        Listener,
    ))
}
