//! Creating an organization.

use async_graphql::{Context, InputObject};
use domain::organization::CreateOrganization;
use domain::{OrganizationName, Position};

use super::mutation::OrganizationPayload;
use crate::mutation::{Call, Mutation, NotDone, Once, Terms, arguments};
use crate::user_error::{UserError, Warning};

/// An organization to create.
#[derive(InputObject)]
pub struct OrganizationCreateInput {
    /// Letters, digits, `_` and `-`, starting with a letter; at most 30 characters.
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

    async fn warnings(
        &self,
        _ctx: &Context<'_>,
        organization: &OrganizationName,
        _position: Position,
    ) -> async_graphql::Result<Vec<Warning>> {
        let has_hyphen = organization.as_str().contains('-');
        Ok(has_hyphen
            .then(Warning::hyphen_in_name)
            .into_iter()
            .collect())
    }
}
