//! Reading algorithms.

use async_graphql::connection::Connection;
use async_graphql::{Context, ID, Object, Result};
use projections::algorithm::AlgorithmFilter;

use super::Algorithm;
use crate::control::control;
use crate::error::{invalid, read_failure};
use crate::id;
use crate::loaders::RowLoader;
use crate::paging::{self, Cursor, paging};

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
    ) -> Option<Result<Connection<Cursor, Algorithm>>> {
        let organization = organization_id.as_ref().map(id::organization).transpose();
        Some(match organization {
            Ok(organization) => {
                let filter = AlgorithmFilter {
                    organization,
                    search,
                    retired,
                };
                algorithms_where(ctx, &filter, first, after).await
            }
            Err(error) => Err(invalid(error.to_string())),
        })
    }

    /// The algorithm written `organization/name`; null where there is none.
    async fn algorithm_by_name(
        &self,
        ctx: &Context<'_>,
        name: String,
    ) -> Option<Result<Algorithm>> {
        let id: domain::AlgorithmId = name.parse().ok()?;
        let found = ctx.data_unchecked::<RowLoader>().load_one(id).await;
        found
            .map(|row| row.map(Algorithm))
            .map_err(|cause| read_failure(&cause))
            .transpose()
    }
}

pub(crate) async fn algorithms_where(
    ctx: &Context<'_>,
    filter: &AlgorithmFilter,
    first: Option<i32>,
    after: Option<String>,
) -> Result<Connection<Cursor, Algorithm>> {
    let paging = paging(first, after.as_deref())?;
    let page = control(ctx).model.algorithms(filter, &paging).await;
    let page = page.map_err(|cause| read_failure(&cause))?;
    Ok(paging::connection(
        page,
        &paging,
        |row| row.id.to_string(),
        Algorithm,
    ))
}
