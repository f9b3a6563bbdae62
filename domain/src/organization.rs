//! Organizations: who owns algorithms, and who belongs to them.

pub mod add_member;
pub mod create;
pub mod event;
pub mod remove_member;
pub mod update_member;

use std::collections::BTreeMap;

pub use add_member::AddMember;
pub use create::CreateOrganization;
pub use event::{MemberAdded, MemberRemoved, MemberRoleChanged, OrganizationCreated, Role};
pub use remove_member::RemoveMember;
pub use update_member::UpdateMember;

use crate::command::{Keyed, State};
use crate::event::{
    Event, of_algorithm, of_broker, of_cluster, of_command, of_grant, of_listener, of_publisher,
    of_worker,
};
use crate::name::{OrganizationName, UserName};
use crate::refusal::Refusal;
use crate::thing::Subject;

/// An organization as its stream tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Organization {
    pub exists: bool,
    pub members: BTreeMap<UserName, Role>,
}

impl Organization {
    /// Refuses unless the organization was created.
    pub(crate) fn check_exists(&self, name: &OrganizationName) -> Result<(), Refusal> {
        if self.exists {
            return Ok(());
        }
        Err(Refusal::UnknownOrganization(name.clone()))
    }

    /// The role of a member, or the refusal.
    pub(crate) fn role(&self, name: &OrganizationName, member: &UserName) -> Result<Role, Refusal> {
        self.check_exists(name)?;
        self.members
            .get(member)
            .copied()
            .ok_or_else(|| Refusal::NotAMember {
                organization: name.clone(),
                member: member.clone(),
            })
    }

    /// Refuses when nobody else owns the organization.
    pub(crate) fn check_owned_without(
        &self,
        name: &OrganizationName,
        member: &UserName,
    ) -> Result<(), Refusal> {
        let owner = |(other, role): (&UserName, &Role)| *role == Role::Owner && other != member;
        if self.members.iter().any(owner) {
            return Ok(());
        }
        Err(Refusal::LastOwner {
            organization: name.clone(),
            member: member.clone(),
        })
    }
}

impl State for Organization {
    fn apply(&mut self, event: &Event) {
        match event {
            Event::OrganizationCreated(_) => self.exists = true,
            Event::MemberAdded(e) => {
                self.members.insert(e.member.clone(), e.role);
            }
            Event::MemberRoleChanged(e) => {
                self.members.insert(e.member.clone(), e.role);
            }
            Event::MemberRemoved(e) => {
                self.members.remove(&e.member);
            }
            of_algorithm!()
            | of_broker!()
            | of_grant!()
            | of_listener!()
            | of_publisher!()
            | of_worker!()
            | of_cluster!()
            | of_command!() => {}
        }
    }
}

impl Keyed for Organization {
    type Key = OrganizationName;

    fn key(event: &Event) -> Option<&OrganizationName> {
        match event.subject() {
            Subject::Organization(name) => Some(name),
            Subject::Algorithm(_)
            | Subject::Broker(_)
            | Subject::Topic(_)
            | Subject::Worker(_)
            | Subject::Cluster
            | Subject::Command(_) => None,
        }
    }
}
