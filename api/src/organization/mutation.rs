//! The mutations of an organization; each in a file named by its verb.

use async_graphql::{Context, ID, Object, Result};
use domain::{OrganizationName, Position, Thing};

use super::Organization;
use super::add_member::OrganizationMemberAddInput;
use super::create::OrganizationCreateInput;
use super::remove_member::OrganizationMemberRemoveInput;
use super::update_member::OrganizationMemberUpdateInput;
use crate::mutation::{Target, mutate, payload};
use crate::view::View;

payload!(
    /// The answer of the mutations of an organization.
    OrganizationPayload { organization: Organization }
);

impl Target for OrganizationName {
    type Entity = Organization;

    const NAMED: &'static [&'static str] = &["organizationId"];

    fn thing(&self) -> Option<Thing> {
        Some(Thing::Organization(self.clone()))
    }

    async fn find(&self, ctx: &Context<'_>, _position: Position) -> Result<Option<Organization>> {
        let found = View::live(ctx).find(self.clone(), Organization).await;
        found.transpose()
    }
}

#[derive(Default)]
pub struct OrganizationMutation;

#[Object]
impl OrganizationMutation {
    /// Creates an organization.
    ///
    /// Codes: `NAME_TAKEN`, `BAD_NAME`.
    async fn organization_create(
        &self,
        ctx: &Context<'_>,
        input: OrganizationCreateInput,
    ) -> Option<Result<OrganizationPayload>> {
        mutate(ctx, (), input).await
    }

    /// Adds a member.
    ///
    /// Codes: `ALREADY_MEMBER`, `NOT_FOUND`, `BAD_NAME`.
    async fn organization_member_add(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: OrganizationMemberAddInput,
    ) -> Option<Result<OrganizationPayload>> {
        mutate(ctx, id, input).await
    }

    /// Gives a member another role. The last owner stays an owner.
    ///
    /// Codes: `NOT_A_MEMBER`, `LAST_OWNER`, `NOT_FOUND`, `BAD_NAME`.
    async fn organization_member_update(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: OrganizationMemberUpdateInput,
    ) -> Option<Result<OrganizationPayload>> {
        mutate(ctx, id, input).await
    }

    /// Removes a member. The last owner cannot be removed.
    ///
    /// Codes: `NOT_A_MEMBER`, `LAST_OWNER`, `NOT_FOUND`, `BAD_NAME`.
    async fn organization_member_remove(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: OrganizationMemberRemoveInput,
    ) -> Option<Result<OrganizationPayload>> {
        mutate(ctx, id, input).await
    }
}
