//! Changing the role of a member.

use async_graphql::{ID, InputObject};
use domain::organization::ChangeMemberRole;
use domain::{OrganizationName, Position};

use super::Role;
use super::mutation::OrganizationPayload;
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Terms, arguments};
use crate::user_error::UserError;

/// The role to switch a member to.
#[derive(InputObject)]
pub struct OrganizationMemberChangeRoleInput {
    /// The organization.
    pub organization_id: ID,
    /// The name of the member.
    pub member: String,
    /// What the member may do from now on.
    pub role: Role,
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

impl Mutation for OrganizationMemberChangeRoleInput {
    type Id = ();
    type Target = OrganizationName;
    type Payload = OrganizationPayload;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, (): &()) -> Result<OrganizationName, UserError> {
        arguments::id_in(&self.organization_id, id::organization, "organizationId")
    }

    async fn run(
        &self,
        call: &Call<'_>,
        organization: &OrganizationName,
    ) -> Result<Position, NotDone> {
        let command = ChangeMemberRole {
            organization: organization.clone(),
            member: arguments::name_in(&self.member, "member")?,
            role: self.role.into(),
        };
        call.execute(&command).await
    }
}
