//! Reading algorithms.

use async_graphql::connection::Connection;
use async_graphql::{Context, ID, Object, Result};
use domain::AlgorithmId;
use projections::algorithm::AlgorithmFilter;

use super::Algorithm;
use crate::as_of::AsOf;
use crate::id::{self, chosen};
use crate::paging::{Cursor, paging};
use crate::view::View;

#[derive(Default)]
pub struct AlgorithmQuery;

#[Object]
impl AlgorithmQuery {
    /// Algorithms, by name, the retired among them unless chosen.
    async fn algorithms(
        &self,
        ctx: &Context<'_>,
        organization_id: Option<ID>,
        #[graphql(desc = "Part of the name as `organization/name`.")] search: Option<String>,
        retired: Option<bool>,
        first: Option<i32>,
        after: Option<String>,
        as_of: Option<AsOf>,
    ) -> Option<Result<Connection<Cursor, Algorithm>>> {
        let filter = chosen(organization_id.as_ref(), id::organization);
        let filter = filter.map(|organization| AlgorithmFilter {
            organization,
            search,
            retired,
        });
        Some(algorithms(ctx, filter, first, after, as_of).await)
    }

    /// The algorithm written `organization/name`; null where there is none.
    async fn algorithm_by_name(
        &self,
        ctx: &Context<'_>,
        name: String,
        as_of: Option<AsOf>,
    ) -> Option<Result<Algorithm>> {
        let id = name.parse().ok()?;
        by_id(ctx, id, as_of).await.transpose()
    }
}

async fn algorithms(
    ctx: &Context<'_>,
    filter: Result<AlgorithmFilter>,
    first: Option<i32>,
    after: Option<String>,
    as_of: Option<AsOf>,
) -> Result<Connection<Cursor, Algorithm>> {
    let view = View::at(ctx, as_of).await?;
    algorithms_where(&view, &filter?, first, after).await
}

async fn by_id(
    ctx: &Context<'_>,
    id: AlgorithmId,
    as_of: Option<AsOf>,
) -> Result<Option<Algorithm>> {
    let view = View::at(ctx, as_of).await?;
    view.find(id, Algorithm).await.transpose()
}

pub(crate) async fn algorithms_where(
    view: &View,
    filter: &AlgorithmFilter,
    first: Option<i32>,
    after: Option<String>,
) -> Result<Connection<Cursor, Algorithm>> {
    let paging = paging(first, after.as_deref())?;
    let page = view.model().algorithms(filter, &paging).await;
    view.connection(page, &paging, |row| row.id.to_string(), Algorithm)
}
