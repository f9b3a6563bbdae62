//! Reading organizations.

use async_graphql::connection::Connection;
use async_graphql::{Context, Object, Result};

use super::Organization;
use crate::control::control;
use crate::error::read_failure;
use crate::paging::{self, Cursor, paging};

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
        let found = control(ctx).model.organization(&name).await;
        found
            .map(|row| row.map(Organization))
            .map_err(|cause| read_failure(&cause))
            .transpose()
    }
}

async fn organizations(
    ctx: &Context<'_>,
    first: Option<i32>,
    after: Option<String>,
) -> Result<Connection<Cursor, Organization>> {
    let paging = paging(first, after.as_deref())?;
    let page = control(ctx).model.organizations(&paging).await;
    let page = page.map_err(|cause| read_failure(&cause))?;
    Ok(paging::connection(
        page,
        &paging,
        |row| row.name.to_string(),
        Organization,
    ))
}
