//! Removing a member from an organization.

use async_graphql::{ID, InputObject};
use domain::organization::RemoveMember;
use domain::{OrganizationName, Position};

use super::mutation::OrganizationPayload;
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Terms, arguments};
use crate::user_error::UserError;

/// A member to remove.
#[derive(InputObject)]
pub struct OrganizationMemberRemoveInput {
    /// The name of the member.
    pub member: String,
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

impl Mutation for OrganizationMemberRemoveInput {
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
        let command = RemoveMember {
            organization: organization.clone(),
            member: arguments::name_in(&self.member, "member")?,
        };
        call.execute(&command).await
    }
}
