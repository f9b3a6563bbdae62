//! Changing the role of a member.

use async_graphql::{ID, InputObject};
use domain::organization::UpdateMember;
use domain::{OrganizationName, Position};

use super::OrganizationRole;
use super::mutation::OrganizationPayload;
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Terms, arguments};
use crate::user_error::UserError;

/// The role to switch a member to.
#[derive(InputObject)]
pub struct OrganizationMemberUpdateInput {
    /// The name of the member.
    pub member: String,
    /// What the member may do from now on.
    pub role: OrganizationRole,
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

impl Mutation for OrganizationMemberUpdateInput {
    type Id = ID;
    type Target = OrganizationName;
    type Payload = OrganizationPayload;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, id: &ID) -> Result<OrganizationName, UserError> {
        arguments::id(id, id::organization)
    }

    async fn run(
        &self,
        call: &Call<'_>,
        organization: &OrganizationName,
    ) -> Result<Position, NotDone> {
        let command = UpdateMember {
            organization: organization.clone(),
            member: arguments::name_in(&self.member, "member")?,
            role: self.role.into(),
        };
        call.execute(&command).await
    }
}
