//! Reading publishers.

use async_graphql::connection::Connection;
use async_graphql::{Context, ID, Object, Result};
use projections::publisher::PublisherFilter;

use super::Publisher;
use crate::control::control;
use crate::error::{invalid, read_failure};
use crate::id;
use crate::paging::{self, Cursor, paging};

#[derive(Default)]
pub struct PublisherQuery;

#[Object]
impl PublisherQuery {
    /// Publishers, by topic and algorithm, the enabled and the disabled.
    async fn publishers(
        &self,
        ctx: &Context<'_>,
        broker_id: Option<ID>,
        algorithm_id: Option<ID>,
        enabled: Option<bool>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Option<Result<Connection<Cursor, Publisher>>> {
        Some(match filter(broker_id, algorithm_id, enabled) {
            Ok(filter) => publishers_where(ctx, &filter, first, after).await,
            Err(error) => Err(error),
        })
    }
}

fn filter(
    broker: Option<ID>,
    algorithm: Option<ID>,
    enabled: Option<bool>,
) -> Result<PublisherFilter> {
    let wrong = |error: id::IdError| invalid(error.to_string());
    Ok(PublisherFilter {
        connection: broker.as_ref().map(id::broker).transpose().map_err(wrong)?,
        algorithm: algorithm
            .as_ref()
            .map(id::algorithm)
            .transpose()
            .map_err(wrong)?,
        enabled,
    })
}

pub(crate) async fn publishers_where(
    ctx: &Context<'_>,
    filter: &PublisherFilter,
    first: Option<i32>,
    after: Option<String>,
) -> Result<Connection<Cursor, Publisher>> {
    let paging = paging(first, after.as_deref())?;
    let page = control(ctx).model.publishers(filter, &paging).await;
    let page = page.map_err(|cause| read_failure(&cause))?;
    Ok(paging::connection(
        page,
        &paging,
        |row| row.id.to_string(),
        Publisher,
    ))
}
