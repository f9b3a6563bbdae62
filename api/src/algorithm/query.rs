//! Reading algorithms.

use async_graphql::{Context, Enum, ID, Object, Result};
use domain::AlgorithmId;
use projections::algorithm::{AlgorithmFilter, AlgorithmSort};

use super::Algorithm;
use crate::as_of::AsOf;
use crate::id::{self, chosen};
use crate::list::{List, OrderBy, Part};
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
        order_by: Option<OrderBy<AlgorithmOrderField>>,
        as_of: Option<AsOf>,
    ) -> Option<Result<List<Algorithm>>> {
        let filter = chosen(organization_id.as_ref(), id::organization);
        let filter = filter.map(|organization| AlgorithmFilter {
            organization,
            search,
            retired,
        });
        let part = Part::new(first, after, order_by);
        Some(algorithms(ctx, filter, part, as_of).await)
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
    part: Part<AlgorithmSort>,
    as_of: Option<AsOf>,
) -> Result<List<Algorithm>> {
    let view = View::at(ctx, as_of).await?;
    view.list(filter?, part, Algorithm).await
}

async fn by_id(
    ctx: &Context<'_>,
    id: AlgorithmId,
    as_of: Option<AsOf>,
) -> Result<Option<Algorithm>> {
    let view = View::at(ctx, as_of).await?;
    view.find(id, Algorithm).await.transpose()
}

/// What algorithms can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "AlgorithmSort")]
pub enum AlgorithmOrderField {
    /// By organization and name.
    Name,
    RegisteredAt,
}
