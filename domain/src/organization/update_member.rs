//! Changing the role of a member.

use super::{MemberRoleChanged, Organization, Role};
use crate::authority::Right;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::name::{OrganizationName, UserName};

/// Give a member another role. Nothing happens when it is the present one.
#[derive(Clone, Debug)]
pub struct UpdateMember {
    pub organization: OrganizationName,
    pub member: UserName,
    pub role: Role,
}

impl Command for UpdateMember {
    type State = Organization;

    fn stream(&self) -> StreamName {
        StreamName::organization(&self.organization)
    }

    fn requires(&self) -> Right {
        Right::ManageMembers(self.organization.clone())
    }

    fn decide(&self, state: &Organization, _ctx: Ctx) -> Decided {
        let present = state.role(&self.organization, &self.member)?;
        if present == self.role {
            return Ok(vec![]);
        }
        if present == Role::Owner {
            state.check_owned_without(&self.organization, &self.member)?;
        }
        Ok(vec![
            MemberRoleChanged {
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
    use crate::event::Event;
    use crate::refusal::Refusal;
    use crate::testing::{given, member_added, organization_created};

    fn change(role: Role) -> UpdateMember {
        UpdateMember {
            organization: "acme".parse().unwrap(),
            member: "ann".parse().unwrap(),
            role,
        }
    }

    fn changed(role: Role) -> Event {
        MemberRoleChanged {
            organization: "acme".parse().unwrap(),
            member: "ann".parse().unwrap(),
            role,
        }
        .into()
    }

    fn owned_by(owners: &[&str]) -> Vec<Event> {
        let owners = owners.iter().map(|name| member_added(name, Role::Owner));
        std::iter::once(organization_created("acme"))
            .chain(owners)
            .collect()
    }

    #[test]
    fn a_member_gets_another_role() {
        given(owned_by(&["bob"]))
            .and([member_added("ann", Role::Member)])
            .when(change(Role::Owner))
            .then([changed(Role::Owner)]);
    }

    #[test]
    fn an_owner_steps_down_when_another_stays() {
        given(owned_by(&["ann", "bob"]))
            .when(change(Role::Member))
            .then([changed(Role::Member)]);
    }

    #[test]
    fn the_last_owner_is_not_demoted() {
        given(owned_by(&["ann"]))
            .and([member_added("bob", Role::Member)])
            .when(change(Role::Member))
            .then_refused(Refusal::LastOwner {
                organization: "acme".parse().unwrap(),
                member: "ann".parse().unwrap(),
            });
    }

    #[test]
    fn the_present_role_is_no_news() {
        given(owned_by(&["ann"])).when(change(Role::Owner)).then([]);
    }

    #[test]
    fn an_organization_without_owners_keeps_no_member_in_place() {
        // Organizations begin without members: the first member may have any role.
        given(owned_by(&[]))
            .and([member_added("ann", Role::Member)])
            .when(change(Role::Executor))
            .then([changed(Role::Executor)]);
    }

    #[test]
    fn who_is_no_member_is_refused() {
        given(owned_by(&["bob"]))
            .when(change(Role::Member))
            .then_refused(Refusal::NotAMember {
                organization: "acme".parse().unwrap(),
                member: "ann".parse().unwrap(),
            });
    }
}
