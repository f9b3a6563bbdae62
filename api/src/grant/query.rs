//! Reading grants.

use async_graphql::connection::Connection;
use async_graphql::{Context, ID, Object, Result};
use projections::grant::GrantFilter;

use super::Grant;
use crate::control::control;
use crate::error::{invalid, read_failure};
use crate::id;
use crate::paging::{self, Cursor, paging};

#[derive(Default)]
pub struct GrantQuery;

#[Object]
impl GrantQuery {
    /// Grants that stand, by topic and algorithm.
    async fn grants(
        &self,
        ctx: &Context<'_>,
        topic_id: Option<ID>,
        algorithm_id: Option<ID>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Option<Result<Connection<Cursor, Grant>>> {
        Some(match filter(topic_id, algorithm_id) {
            Ok(filter) => grants_where(ctx, &filter, first, after).await,
            Err(error) => Err(error),
        })
    }
}

fn filter(topic: Option<ID>, algorithm: Option<ID>) -> Result<GrantFilter> {
    let wrong = |error: id::IdError| invalid(error.to_string());
    Ok(GrantFilter {
        topic: topic.as_ref().map(id::topic).transpose().map_err(wrong)?,
        algorithm: algorithm
            .as_ref()
            .map(id::algorithm)
            .transpose()
            .map_err(wrong)?,
    })
}

pub(crate) async fn grants_where(
    ctx: &Context<'_>,
    filter: &GrantFilter,
    first: Option<i32>,
    after: Option<String>,
) -> Result<Connection<Cursor, Grant>> {
    let paging = paging(first, after.as_deref())?;
    let page = control(ctx).model.grants(filter, &paging).await;
    let page = page.map_err(|cause| read_failure(&cause))?;
    Ok(paging::connection(
        page,
        &paging,
        projections::grant::Grant::key,
        Grant,
    ))
}
