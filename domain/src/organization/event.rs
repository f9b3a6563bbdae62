//! What happened to organizations.

use serde::{Deserialize, Serialize};

use crate::name::OrganizationName;

/// An organization came to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationCreated {
    pub name: OrganizationName,
}
