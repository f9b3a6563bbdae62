//! Adding a member to an organization.

use async_graphql::{ID, InputObject};
use domain::organization::AddMember;
use domain::{OrganizationName, Position};

use super::OrganizationRole;
use super::mutation::OrganizationPayload;
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Terms, arguments};
use crate::user_error::UserError;

/// A member to add.
#[derive(InputObject)]
pub struct OrganizationMemberAddInput {
    /// The name that the person signs in with: letters, digits, `_`, `-`, `.`, `@` and `+`; at
    /// most 254 characters.
    pub member: String,
    /// What the member may do.
    pub role: OrganizationRole,
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

impl Mutation for OrganizationMemberAddInput {
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
        let command = AddMember {
            organization: organization.clone(),
            member: arguments::name_in(&self.member, "member")?,
            role: self.role.into(),
        };
        call.execute(&command).await
    }
}
