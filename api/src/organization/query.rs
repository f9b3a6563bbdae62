//! Reading organizations.

use async_graphql::connection::Connection;
use async_graphql::{Context, Object, Result};
use domain::OrganizationName;

use super::Organization;
use crate::as_of::AsOf;
use crate::paging::{Cursor, paging};
use crate::view::View;

#[derive(Default)]
pub struct OrganizationQuery;

#[Object]
impl OrganizationQuery {
    /// All organizations, by name.
    async fn organizations(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        as_of: Option<AsOf>,
    ) -> Option<Result<Connection<Cursor, Organization>>> {
        Some(organizations(ctx, first, after, as_of).await)
    }

    /// The organization of that name; null where there is none.
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
    first: Option<i32>,
    after: Option<String>,
    as_of: Option<AsOf>,
) -> Result<Connection<Cursor, Organization>> {
    let paging = paging(first, after.as_deref())?;
    let view = View::at(ctx, as_of).await?;
    let page = view.model().organizations(&paging).await;
    view.connection(page, &paging, |row| row.name.to_string(), Organization)
}
