//! Reading organizations.

use async_graphql::{Context, Enum, InputObject, Object, Result};
use domain::OrganizationName;
use projections::organization::{OrganizationFilter, OrganizationSort};

use super::Organization;
use crate::as_of::AsOf;
use crate::list::{List, OrderBy, Part};
use crate::view::View;

/// Which organizations to list; all of them by default.
#[derive(InputObject, Default)]
pub struct OrganizationFilterInput {
    /// Part of the name.
    pub search: Option<String>,
}

#[derive(Default)]
pub struct OrganizationQuery;

#[Object]
impl OrganizationQuery {
    /// Organizations, by name.
    async fn organizations(
        &self,
        ctx: &Context<'_>,
        filter: Option<OrganizationFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        order_by: Option<OrderBy<OrganizationOrderField>>,
        as_of: Option<AsOf>,
    ) -> Option<Result<List<Organization>>> {
        let part = Part::new(first, after, order_by);
        Some(organizations(ctx, filter.unwrap_or_default(), part, as_of).await)
    }

    /// The organization of that name; null if there is none.
    async fn organization_by_name(
        &self,
        ctx: &Context<'_>,
        name: String,
        as_of: Option<AsOf>,
    ) -> Option<Result<Organization>> {
        let name = name.parse().ok()?;
        by_name(ctx, name, as_of).await.transpose()
    }
}

async fn by_name(
    ctx: &Context<'_>,
    name: OrganizationName,
    as_of: Option<AsOf>,
) -> Result<Option<Organization>> {
    let view = View::at(ctx, as_of).await?;
    view.find(name, Organization).await.transpose()
}

async fn organizations(
    ctx: &Context<'_>,
    filter: OrganizationFilterInput,
    part: Part<OrganizationSort>,
    as_of: Option<AsOf>,
) -> Result<List<Organization>> {
    let view = View::at(ctx, as_of).await?;
    let filter = OrganizationFilter {
        search: filter.search,
    };
    view.list(filter, part, Organization).await
}

/// What organizations can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "OrganizationSort")]
pub enum OrganizationOrderField {
    /// By name.
    Name,
    /// By the time of creation.
    CreatedAt,
}
