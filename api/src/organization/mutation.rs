//! Changing organizations.

use async_graphql::{Context, ID, InputObject, Object, Result};
use domain::organization::{AddMember, ChangeMemberRole, CreateOrganization, RemoveMember};
use domain::{Command, OrganizationName, UserName};

use super::{Organization, Role};
use crate::id;
use crate::mutation::{Ticket, execute, payload};
use crate::scalar::BigInt;
use crate::user_error::UserError;
use crate::view::View;

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
        let command = |organization, member| AddMember {
            organization,
            member,
            role: input.role.into(),
        };
        Some(change(ctx, &ticket, named, command).await)
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
        let command = |organization, member| ChangeMemberRole {
            organization,
            member,
            role: input.role.into(),
        };
        Some(change(ctx, &ticket, named, command).await)
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
        let command = |organization, member| RemoveMember {
            organization,
            member,
        };
        Some(change(ctx, &ticket, named, command).await)
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

/// Executes the command that `make` makes for the organization and the person named.
async fn change<C: Command>(
    ctx: &Context<'_>,
    ticket: &Ticket<'_>,
    named: Result<(OrganizationName, UserName), UserError>,
    make: impl FnOnce(OrganizationName, UserName) -> C,
) -> Result<OrganizationPayload> {
    match named {
        Ok((organization, member)) => {
            let command = make(organization.clone(), member);
            finish(ctx, ticket, &organization, &command).await
        }
        Err(error) => Ok(OrganizationPayload::refused(error)),
    }
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
            let row = View::live(ctx).find(name.clone(), Organization).await;
            OrganizationPayload::done(row.transpose()?, position)
        }
    })
}
