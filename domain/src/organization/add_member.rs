//! Adding a member.

use super::{MemberAdded, Organization, Role};
use crate::authority::Right;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::name::{OrganizationName, UserName};
use crate::refusal::Refusal;

/// The most members of one organization.
const MOST_MEMBERS: usize = 10_000;

/// Have a person belong to an organization. Nothing happens when they do, in that role.
#[derive(Clone, Debug)]
pub struct AddMember {
    pub organization: OrganizationName,
    pub member: UserName,
    pub role: Role,
}

impl Command for AddMember {
    type State = Organization;

    fn stream(&self) -> StreamName {
        StreamName::organization(&self.organization)
    }

    fn requires(&self) -> Right {
        Right::ManageMembers(self.organization.clone())
    }

    fn decide(&self, state: &Organization, _ctx: Ctx) -> Decided {
        state.check_exists(&self.organization)?;
        match state.members.get(&self.member) {
            Some(role) if *role == self.role => return Ok(vec![]),
            Some(role) => {
                return Err(Refusal::AlreadyMember {
                    organization: self.organization.clone(),
                    member: self.member.clone(),
                    role: *role,
                });
            }
            None => {}
        }
        if state.members.len() >= MOST_MEMBERS {
            return Err(Refusal::TooMany {
                field: "member",
                limit: "an organization may have at most 10,000 members",
            });
        }
        Ok(vec![
            MemberAdded {
                organization: self.organization.clone(),
                member: self.member.clone(),
                role: self.role,
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{given, member_added, organization_created};

    fn add(role: Role) -> AddMember {
        AddMember {
            organization: "acme".parse().unwrap(),
            member: "ann".parse().unwrap(),
            role,
        }
    }

    #[test]
    fn a_person_becomes_a_member() {
        given([organization_created("acme")])
            .when(add(Role::Member))
            .then([member_added("ann", Role::Member)]);
    }

    #[test]
    fn a_member_in_that_role_is_no_news() {
        given([
            organization_created("acme"),
            member_added("ann", Role::Member),
        ])
        .when(add(Role::Member))
        .then([]);
    }

    #[test]
    fn a_member_in_another_role_is_refused() {
        given([
            organization_created("acme"),
            member_added("ann", Role::Owner),
        ])
        .when(add(Role::Executor))
        .then_refused(Refusal::AlreadyMember {
            organization: "acme".parse().unwrap(),
            member: "ann".parse().unwrap(),
            role: Role::Owner,
        });
    }

    #[test]
    fn an_unknown_organization_is_refused() {
        given([])
            .when(add(Role::Owner))
            .then_refused(Refusal::UnknownOrganization("acme".parse().unwrap()));
    }

    #[test]
    fn there_is_a_last_seat() {
        let full = (0..MOST_MEMBERS).map(|n| member_added(&format!("m{n}"), Role::Member));
        given([organization_created("acme")])
            .and(full)
            .when(add(Role::Member))
            .then_refused(Refusal::TooMany {
                field: "member",
                limit: "an organization may have at most 10,000 members",
            });
    }
}
