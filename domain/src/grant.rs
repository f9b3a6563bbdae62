//! Grants: an administrator's permission for algorithms to read topics or to have messages written
//! to them.

pub mod batch;
pub mod edit;
pub mod edit_patterns;
pub mod event;
pub mod key;
pub mod revoke_orphaned;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use batch::Edit;
pub use edit::{EditGrants, GrantChange};
pub use edit_patterns::{EditPatternGrants, PatternChange};
pub use event::{TopicGranted, TopicPatternGranted, TopicPatternRevoked, TopicRevoked};
pub use key::{GrantKey, Scope};
pub use revoke_orphaned::{RevokeOrphanedGrant, RevokeOrphanedPatternGrant};

use crate::ids::AlgorithmId;
use crate::name::OrganizationName;

/// Who may do what on a topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Permission {
    pub grantee: Grantee,
    pub access: Access,
}

impl Permission {
    /// Whether it permits `algorithm` that access.
    #[must_use]
    pub fn covers(&self, algorithm: &AlgorithmId, access: Access) -> bool {
        self.access == access && self.grantee.covers(algorithm)
    }
}

/// Whom a grant is given to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grantee {
    /// One algorithm.
    Algorithm(AlgorithmId),
    /// All algorithms of an organization, including those registered later.
    Organization(OrganizationName),
}

impl Grantee {
    /// Whether what it is given is given to `algorithm`.
    #[must_use]
    pub fn covers(&self, algorithm: &AlgorithmId) -> bool {
        match self {
            Self::Algorithm(one) => one == algorithm,
            Self::Organization(organization) => *organization == algorithm.organization,
        }
    }
}

impl fmt::Display for Grantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Algorithm(algorithm) => algorithm.fmt(f),
            Self::Organization(organization) => write!(f, "all algorithms of {organization}"),
        }
    }
}

/// What a grant permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Access {
    /// The algorithm may be fed from the topic.
    Subscribe,
    /// The algorithm's results may be written to the topic, and its faulty messages.
    Publish,
    /// The algorithm's faulty messages may be written to the topic.
    DeadLetter,
}

impl Access {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Subscribe, Self::Publish, Self::DeadLetter];

    /// Those of which any one permits that a topic takes faulty messages.
    pub const TAKING_DEAD_LETTERS: [Self; 2] = [Self::DeadLetter, Self::Publish];

    /// As stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Subscribe => "SUBSCRIBE",
            Self::Publish => "PUBLISH",
            Self::DeadLetter => "DEAD_LETTER",
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
