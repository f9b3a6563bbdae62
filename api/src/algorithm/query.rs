//! Reading algorithms.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use domain::AlgorithmId;
use projections::algorithm::{AlgorithmFilter, AlgorithmSort};

use super::Algorithm;
use crate::as_of::AsOf;
use crate::id::{self, chosen};
use crate::list::{List, OrderBy, Part};
use crate::view::View;

/// Which algorithms to list; all of them by default.
#[derive(InputObject, Default)]
pub struct AlgorithmFilterInput {
    /// Only algorithms of this organization.
    pub organization_id: Option<ID>,
    /// Part of `organization/name`.
    pub search: Option<String>,
    /// Only retired algorithms, or only others.
    pub retired: Option<bool>,
    /// Only algorithms that can be granted topics, being in use with a version that can be called;
    /// or only others.
    pub grantable: Option<bool>,
}

#[derive(Default)]
pub struct AlgorithmQuery;

#[Object]
impl AlgorithmQuery {
    /// Algorithms, by name; retired ones included unless filtered.
    async fn algorithms(
        &self,
        ctx: &Context<'_>,
        filter: Option<AlgorithmFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        order_by: Option<OrderBy<AlgorithmOrderField>>,
        as_of: Option<AsOf>,
    ) -> Option<Result<List<Algorithm>>> {
        let part = Part::new(first, after, order_by);
        Some(algorithms(ctx, filter.unwrap_or_default(), part, as_of).await)
    }

    /// The algorithm named `organization/name`; null if there is none.
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
    filter: AlgorithmFilterInput,
    part: Part<AlgorithmSort>,
    as_of: Option<AsOf>,
) -> Result<List<Algorithm>> {
    let view = View::at(ctx, as_of).await?;
    view.list(filter.filter()?, part, Algorithm).await
}

impl AlgorithmFilterInput {
    fn filter(self) -> Result<AlgorithmFilter> {
        Ok(AlgorithmFilter {
            organization: chosen(self.organization_id.as_ref(), id::organization)?,
            search: self.search,
            retired: self.retired,
            grantable: self.grantable,
        })
    }
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
    /// By the time of registration.
    RegisteredAt,
}
