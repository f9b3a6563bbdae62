//! Removing a member.

use super::{MemberRemoved, Organization, Role};
use crate::authority::Right;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::name::{OrganizationName, UserName};

/// Remove a person from an organization.
#[derive(Clone, Debug)]
pub struct RemoveMember {
    pub organization: OrganizationName,
    pub member: UserName,
}

impl Command for RemoveMember {
    type State = Organization;

    fn stream(&self) -> StreamName {
        StreamName::organization(&self.organization)
    }

    fn requires(&self) -> Right {
        Right::ManageMembers(self.organization.clone())
    }

    fn decide(&self, state: &Organization, _ctx: Ctx) -> Decided {
        if state.role(&self.organization, &self.member)? == Role::Owner {
            state.check_owned_without(&self.organization, &self.member)?;
        }
        Ok(vec![
            MemberRemoved {
                organization: self.organization.clone(),
                member: self.member.clone(),
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

    fn remove() -> RemoveMember {
        RemoveMember {
            organization: "acme".parse().unwrap(),
            member: "ann".parse().unwrap(),
        }
    }

    fn removed() -> Event {
        MemberRemoved {
            organization: "acme".parse().unwrap(),
            member: "ann".parse().unwrap(),
        }
        .into()
    }

    #[test]
    fn a_member_leaves() {
        given([
            organization_created("acme"),
            member_added("ann", Role::Member),
        ])
        .when(remove())
        .then([removed()]);
    }

    #[test]
    fn an_owner_leaves_when_another_stays() {
        given([
            organization_created("acme"),
            member_added("ann", Role::Owner),
            member_added("bob", Role::Owner),
        ])
        .when(remove())
        .then([removed()]);
    }

    #[test]
    fn the_last_owner_stays() {
        given([
            organization_created("acme"),
            member_added("ann", Role::Owner),
            member_added("bob", Role::Member),
        ])
        .when(remove())
        .then_refused(Refusal::LastOwner {
            organization: "acme".parse().unwrap(),
            member: "ann".parse().unwrap(),
        });
    }

    #[test]
    fn who_left_is_no_member() {
        given([
            organization_created("acme"),
            member_added("ann", Role::Member),
            removed(),
        ])
        .when(remove())
        .then_refused(Refusal::NotAMember {
            organization: "acme".parse().unwrap(),
            member: "ann".parse().unwrap(),
        });
    }
}
