//! Reading algorithms.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use domain::{AlgorithmId, OrganizationName};
use projections::algorithm::{AlgorithmFilter, AlgorithmSort};

use super::Algorithm;
use crate::as_of::AsOf;
use crate::filter::{FilterInput, Members, Parent};
use crate::id;
use crate::list::{Bounds, List, OrderBy, Part};
use crate::view::View;

/// Which algorithms to list; all of them by default. Each field given must match; a list matches
/// if any of its values does. A list has at most 100 values, and an empty list matches nothing.
#[derive(InputObject, Default)]
pub struct AlgorithmFilterInput {
    /// Only these.
    pub ids: Option<Vec<ID>>,
    /// Only algorithms of one of these organizations.
    pub organization_ids: Option<Vec<ID>>,
    /// Part of `organization/name`.
    pub search: Option<String>,
    /// If true, only retired algorithms; if false, only others.
    pub retired: Option<bool>,
    /// If true, only algorithms that can be granted topics: not retired, and with a version that
    /// can be called. If false, only others.
    pub grantable: Option<bool>,
    /// Only those that this filter does not match; it must not contain another `not`.
    pub not: Option<Box<AlgorithmFilterInput>>,
}

#[derive(Default)]
pub struct AlgorithmQuery;

#[Object]
impl AlgorithmQuery {
    /// Algorithms, by name; retired ones included unless filtered.
    #[expect(clippy::too_many_arguments, reason = "they are the field's")]
    async fn algorithms(
        &self,
        ctx: &Context<'_>,
        filter: Option<AlgorithmFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        order_by: Option<OrderBy<AlgorithmOrderField>>,
        as_of: Option<AsOf>,
    ) -> Option<Result<List<Algorithm>>> {
        let bounds = Bounds {
            first,
            after,
            last,
            before,
        };
        let part = Part::new(bounds, order_by);
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
    view.list(filter.filter(&())?, part, Algorithm).await
}

impl FilterInput for AlgorithmFilterInput {
    type Scope = ();
    type Filter = AlgorithmFilter;

    fn not(&mut self) -> &mut Option<Box<Self>> {
        &mut self.not
    }

    fn read(
        self,
        members: Members,
        _scope: &(),
        not: Option<Box<AlgorithmFilter>>,
    ) -> Result<AlgorithmFilter> {
        Ok(AlgorithmFilter {
            ids: members.ids("ids", self.ids, id::algorithm)?,
            organizations: members.ids(
                "organizationIds",
                self.organization_ids,
                id::organization,
            )?,
            search: self.search,
            retired: self.retired,
            grantable: self.grantable,
            not,
        })
    }
}

impl AlgorithmFilterInput {
    /// The filter of the list of one organization.
    pub(crate) fn of_organization(self, name: &OrganizationName) -> Result<AlgorithmFilter> {
        Ok(AlgorithmFilter {
            organizations: Some(vec![name.clone()]),
            ..self.filter_of(Parent::Organization, &())?
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
