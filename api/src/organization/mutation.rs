//! Changing organizations.

use async_graphql::{Context, ID, InputObject, Object, Result};
use domain::organization::{AddMember, ChangeMemberRole, CreateOrganization, RemoveMember};
use domain::{Command, OrganizationName, UserName};

use super::{Organization, Role};
use crate::control::control;
use crate::error::read_failure;
use crate::id;
use crate::mutation::{Ticket, execute, payload};
use crate::scalar::BigInt;
use crate::user_error::UserError;

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

#[derive(InputObject)]
pub struct OrganizationMemberAddInput {
    pub organization_id: ID,
    /// The name that the person signs in with: letters, digits, `_`, `-`, `.`, `@` and `+`; at
    /// most 254.
    pub member: String,
    pub role: Role,
    /// The same key again answers the same and does nothing more; at most 200 bytes.
    pub idempotency_key: Option<String>,
    /// The revision of the organization's stream that the caller last saw.
    pub expected_revision: Option<BigInt>,
}

#[derive(InputObject)]
pub struct OrganizationMemberChangeRoleInput {
    pub organization_id: ID,
    pub member: String,
    pub role: Role,
    /// The same key again answers the same and does nothing more; at most 200 bytes.
    pub idempotency_key: Option<String>,
    /// The revision of the organization's stream that the caller last saw.
    pub expected_revision: Option<BigInt>,
}

#[derive(InputObject)]
pub struct OrganizationMemberRemoveInput {
    pub organization_id: ID,
    pub member: String,
    /// The same key again answers the same and does nothing more; at most 200 bytes.
    pub idempotency_key: Option<String>,
    /// The revision of the organization's stream that the caller last saw.
    pub expected_revision: Option<BigInt>,
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

    /// Has a person belong to the organization.
    async fn organization_member_add(
        &self,
        ctx: &Context<'_>,
        input: OrganizationMemberAddInput,
    ) -> Option<Result<OrganizationPayload>> {
        let key = input.idempotency_key.as_deref();
        let expected = input.expected_revision;
        let ticket = Ticket::new("organizationMemberAdd", None, &input, key, expected);
        let named = named(&input.organization_id, &input.member);
        let (organization, member) = match named {
            Ok(named) => named,
            Err(error) => return Some(Ok(OrganizationPayload::refused(error))),
        };
        let command = AddMember {
            organization,
            member,
            role: input.role.into(),
        };
        Some(finish(ctx, &ticket, &command.organization, &command).await)
    }

    /// Gives a member another role. An organization that has an owner keeps one.
    async fn organization_member_change_role(
        &self,
        ctx: &Context<'_>,
        input: OrganizationMemberChangeRoleInput,
    ) -> Option<Result<OrganizationPayload>> {
        let key = input.idempotency_key.as_deref();
        let expected = input.expected_revision;
        let ticket = Ticket::new("organizationMemberChangeRole", None, &input, key, expected);
        let named = named(&input.organization_id, &input.member);
        let (organization, member) = match named {
            Ok(named) => named,
            Err(error) => return Some(Ok(OrganizationPayload::refused(error))),
        };
        let command = ChangeMemberRole {
            organization,
            member,
            role: input.role.into(),
        };
        Some(finish(ctx, &ticket, &command.organization, &command).await)
    }

    /// Has a person belong to the organization no more. An organization that has an owner
    /// keeps one.
    async fn organization_member_remove(
        &self,
        ctx: &Context<'_>,
        input: OrganizationMemberRemoveInput,
    ) -> Option<Result<OrganizationPayload>> {
        let key = input.idempotency_key.as_deref();
        let expected = input.expected_revision;
        let ticket = Ticket::new("organizationMemberRemove", None, &input, key, expected);
        let named = named(&input.organization_id, &input.member);
        let (organization, member) = match named {
            Ok(named) => named,
            Err(error) => return Some(Ok(OrganizationPayload::refused(error))),
        };
        let command = RemoveMember {
            organization,
            member,
        };
        Some(finish(ctx, &ticket, &command.organization, &command).await)
    }
}

async fn create(ctx: &Context<'_>, input: OrganizationCreateInput) -> Result<OrganizationPayload> {
    let key = input.idempotency_key.as_deref();
    let ticket = Ticket::new("organizationCreate", None, &input, key, None);
    let name: OrganizationName = match input.name.parse() {
        Ok(name) => name,
        Err(error) => {
            let refused = UserError::bad_name(&error, &["input", "name"]);
            return Ok(OrganizationPayload::refused(refused));
        }
    };
    let command = CreateOrganization { name: name.clone() };
    finish(ctx, &ticket, &name, &command).await
}

/// The organization and the person that an input names.
fn named(organization: &ID, member: &str) -> Result<(OrganizationName, UserName), UserError> {
    Ok((
        id::organization(organization)
            .map_err(|error| UserError::bad_id(&error, &["input", "organizationId"]))?,
        member
            .parse()
            .map_err(|error| UserError::bad_name(&error, &["input", "member"]))?,
    ))
}

async fn finish<C: Command>(
    ctx: &Context<'_>,
    ticket: &Ticket<'_>,
    name: &OrganizationName,
    command: &C,
) -> Result<OrganizationPayload> {
    Ok(match execute(ctx, ticket, command).await? {
        Err(error) => OrganizationPayload::refused(error),
        Ok(position) => {
            let row = control(ctx).model.organization(name).await;
            let row = row.map_err(|cause| read_failure(&cause))?;
            OrganizationPayload::done(row.map(Organization), position)
        }
    })
}
