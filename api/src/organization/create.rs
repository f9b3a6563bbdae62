//! Creating an organization.

use async_graphql::InputObject;
use domain::organization::CreateOrganization;
use domain::{OrganizationName, Position};

use super::mutation::OrganizationPayload;
use crate::mutation::{Call, Mutation, NotDone, Once, Terms, arguments};
use crate::user_error::UserError;

/// An organization to create.
#[derive(InputObject)]
pub struct OrganizationCreateInput {
    /// Letters, digits, `_` and `-`, a letter first; at most 30.
    pub name: String,
    #[graphql(flatten)]
    pub once: Once,
}

impl Mutation for OrganizationCreateInput {
    type Id = ();
    type Target = OrganizationName;
    type Payload = OrganizationPayload;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, (): &()) -> Result<OrganizationName, UserError> {
        arguments::name_in(&self.name, "name")
    }

    async fn run(
        &self,
        call: &Call<'_>,
        organization: &OrganizationName,
    ) -> Result<Position, NotDone> {
        let command = CreateOrganization {
            name: organization.clone(),
        };
        call.execute(&command).await
    }
}
