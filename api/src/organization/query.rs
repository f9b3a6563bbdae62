//! Reading organizations.

use async_graphql::connection::Connection;
use async_graphql::{Context, Object, Result};
use domain::OrganizationName;

use super::Organization;
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
    ) -> Option<Result<Connection<Cursor, Organization>>> {
        Some(organizations(ctx, first, after).await)
    }

    /// The organization of that name; null where there is none.
    async fn organization_by_name(
        &self,
        ctx: &Context<'_>,
        name: String,
    ) -> Option<Result<Organization>> {
        let name = name.parse().ok()?;
        by_name(ctx, name).await.transpose()
    }
}

async fn by_name(ctx: &Context<'_>, name: OrganizationName) -> Result<Option<Organization>> {
    let view = View::live(ctx);
    view.find(name, Organization).await.transpose()
}

async fn organizations(
    ctx: &Context<'_>,
    first: Option<i32>,
    after: Option<String>,
) -> Result<Connection<Cursor, Organization>> {
    let paging = paging(first, after.as_deref())?;
    let view = View::live(ctx);
    let page = view.model().organizations(&paging).await;
    view.connection(page, &paging, |row| row.name.to_string(), Organization)
}
