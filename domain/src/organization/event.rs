//! What happened to organizations and their members.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{AddMember, RemoveMember, UpdateMember};
use crate::describe::BrokerNames;
use crate::event::Payload;
use crate::name::{OrganizationName, UserName};
use crate::thing::{Subject, Thing};
use crate::undo::{Inverse, NoUndo, Past, unless_changed};

/// An organization was created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationCreated {
    pub name: OrganizationName,
}

/// A person became a member of the organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberAdded {
    pub organization: OrganizationName,
    pub member: UserName,
    pub role: Role,
}

/// A member may do more or less than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRoleChanged {
    pub organization: OrganizationName,
    pub member: UserName,
    pub role: Role,
}

/// A person is no longer a member of the organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRemoved {
    pub organization: OrganizationName,
    pub member: UserName,
}

/// What a member may do in the organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Role {
    /// Everything, including managing members.
    Owner,
    /// Publish versions, enable and change listeners and publishers.
    Member,
    /// Call the algorithms and read their runs.
    Executor,
}

impl Role {
    /// As stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "OWNER",
            Self::Member => "MEMBER",
            Self::Executor => "EXECUTOR",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Payload for OrganizationCreated {
    const NAME: &'static str = "OrganizationCreated";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Organization(&self.name)
    }

    fn about(&self) -> Vec<Thing> {
        vec![Thing::Organization(self.name.clone())]
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        format!("created the organization {}", self.name)
    }

    fn inverse(&self, _past: &Past<'_>) -> Result<Inverse, NoUndo> {
        Err(NoUndo::Final("organizations cannot be deleted"))
    }
}

impl Payload for MemberAdded {
    const NAME: &'static str = "MemberAdded";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Organization(&self.organization)
    }

    fn about(&self) -> Vec<Thing> {
        vec![Thing::Organization(self.organization.clone())]
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        format!(
            "added {} to {} as {}",
            self.member, self.organization, self.role
        )
    }

    fn inverse(&self, past: &Past<'_>) -> Result<Inverse, NoUndo> {
        let role = past.now.organization.members.get(&self.member);
        unless_changed(role == Some(&self.role))?;
        Ok(Box::new(RemoveMember {
            organization: self.organization.clone(),
            member: self.member.clone(),
        }))
    }
}

impl Payload for MemberRoleChanged {
    const NAME: &'static str = "MemberRoleChanged";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Organization(&self.organization)
    }

    fn about(&self) -> Vec<Thing> {
        vec![Thing::Organization(self.organization.clone())]
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        format!(
            "made {} {} of {}",
            self.member, self.role, self.organization
        )
    }

    fn inverse(&self, past: &Past<'_>) -> Result<Inverse, NoUndo> {
        let role = past.now.organization.members.get(&self.member);
        unless_changed(role == Some(&self.role))?;
        Ok(Box::new(UpdateMember {
            organization: self.organization.clone(),
            member: self.member.clone(),
            role: role_before(&self.member, past)?,
        }))
    }
}

impl Payload for MemberRemoved {
    const NAME: &'static str = "MemberRemoved";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Organization(&self.organization)
    }

    fn about(&self) -> Vec<Thing> {
        vec![Thing::Organization(self.organization.clone())]
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        format!("removed {} from {}", self.member, self.organization)
    }

    fn inverse(&self, past: &Past<'_>) -> Result<Inverse, NoUndo> {
        unless_changed(!past.now.organization.members.contains_key(&self.member))?;
        Ok(Box::new(AddMember {
            organization: self.organization.clone(),
            member: self.member.clone(),
            role: role_before(&self.member, past)?,
        }))
    }
}

fn role_before(member: &UserName, past: &Past<'_>) -> Result<Role, NoUndo> {
    let role = past.before.organization.members.get(member);
    role.copied().ok_or(NoUndo::ChangedSince)
}
