//! What happened to organizations and their members.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::{OrganizationName, UserName};

/// An organization came to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationCreated {
    pub name: OrganizationName,
}

/// A person belongs to the organization from now on.
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

/// A person belongs to the organization no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRemoved {
    pub organization: OrganizationName,
    pub member: UserName,
}

/// What a member may do in the organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Role {
    /// Everything, members among it.
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
