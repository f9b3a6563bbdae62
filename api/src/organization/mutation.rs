//! Changing organizations.

use async_graphql::{Context, InputObject, Object, Result};
use domain::organization::CreateOrganization;

use super::Organization;
use crate::control::control;
use crate::error::read_failure;
use crate::mutation::{Ticket, UserError, execute, payload};

payload!(
    /// The answer of the mutations of an organization.
    OrganizationPayload { organization: Organization }
);

#[derive(InputObject)]
pub struct OrganizationCreateInput {
    /// Letters, digits, `_` and `-`, a letter first; at most 30.
    pub name: String,
    /// The same key again answers the same and does nothing more; at most 200 bytes.
    pub idempotency_key: Option<String>,
}

#[derive(Default)]
pub struct OrganizationMutation;

#[Object]
impl OrganizationMutation {
    /// Creates an organization.
    async fn organization_create(
        &self,
        ctx: &Context<'_>,
        input: OrganizationCreateInput,
    ) -> Option<Result<OrganizationPayload>> {
        Some(create(ctx, input).await)
    }
}

async fn create(ctx: &Context<'_>, input: OrganizationCreateInput) -> Result<OrganizationPayload> {
    let key = input.idempotency_key.as_deref();
    let ticket = Ticket::new("organizationCreate", None, &input, key, None);
    let name = match input.name.parse() {
        Ok(name) => name,
        Err(error) => {
            let refused = UserError::bad_name(&error, &["input", "name"]);
            return Ok(OrganizationPayload::refused(refused));
        }
    };
    let command = CreateOrganization { name };
    Ok(match execute(ctx, &ticket, &command).await? {
        Err(error) => OrganizationPayload::refused(error),
        Ok(position) => {
            let row = control(ctx).model.organization(&command.name).await;
            let row = row.map_err(|cause| read_failure(&cause))?;
            OrganizationPayload::done(row.map(Organization), position)
        }
    })
}
