//! Reading organizations.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use domain::OrganizationName;
use projections::organization::{MemberFilter, OrganizationFilter, OrganizationSort};

use super::Organization;
use super::types::OrganizationRole;
use crate::as_of::AsOf;
use crate::filter::{FilterInput, Members};
use crate::id;
use crate::list::{Bounds, List, OrderBy, Part};
use crate::view::View;

/// Which organizations to list; all of them by default. Each field given must match; a list
/// matches if any of its values does. A list has at most 100 values, and an empty list matches
/// nothing.
#[derive(InputObject, Default)]
pub struct OrganizationFilterInput {
    /// Only these.
    pub ids: Option<Vec<ID>>,
    /// Part of the name.
    pub search: Option<String>,
    /// Only those that this filter does not match; it must not contain another `not`.
    pub not: Option<Box<OrganizationFilterInput>>,
}

/// Which members of an organization to list; all of them by default. Each field given must match;
/// a list matches if any of its values does. A list has at most 100 values, and an empty list
/// matches nothing.
#[derive(InputObject, Default)]
pub struct OrganizationMemberFilterInput {
    /// Only topics with one of these kinds of access.
    pub roles: Option<Vec<OrganizationRole>>,
    /// Part of the name.
    pub search: Option<String>,
    /// Only those that this filter does not match; it must not contain another `not`.
    pub not: Option<Box<OrganizationMemberFilterInput>>,
}

#[derive(Default)]
pub struct OrganizationQuery;

#[Object]
impl OrganizationQuery {
    /// Organizations, by name.
    #[expect(clippy::too_many_arguments, reason = "they are the field's")]
    async fn organizations(
        &self,
        ctx: &Context<'_>,
        filter: Option<OrganizationFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        order_by: Option<OrderBy<OrganizationOrderField>>,
        as_of: Option<AsOf>,
    ) -> Option<Result<List<Organization>>> {
        let bounds = Bounds {
            first,
            after,
            last,
            before,
        };
        let part = Part::new(bounds, order_by);
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
    view.list(filter.filter(&())?, part, Organization).await
}

impl FilterInput for OrganizationFilterInput {
    type Scope = ();
    type Filter = OrganizationFilter;

    fn not(&mut self) -> &mut Option<Box<Self>> {
        &mut self.not
    }

    fn read(
        self,
        members: Members,
        _scope: &(),
        not: Option<Box<OrganizationFilter>>,
    ) -> Result<OrganizationFilter> {
        Ok(OrganizationFilter {
            names: members.ids("ids", self.ids, id::organization)?,
            search: self.search,
            not,
        })
    }
}

impl FilterInput for OrganizationMemberFilterInput {
    type Scope = OrganizationName;
    type Filter = MemberFilter;

    fn not(&mut self) -> &mut Option<Box<Self>> {
        &mut self.not
    }

    fn read(
        self,
        members: Members,
        organization: &OrganizationName,
        not: Option<Box<MemberFilter>>,
    ) -> Result<MemberFilter> {
        Ok(MemberFilter {
            organization: organization.clone(),
            roles: members.words("roles", self.roles)?,
            search: self.search,
            not,
        })
    }
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
