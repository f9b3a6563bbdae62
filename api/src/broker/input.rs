//! Credentials as brokers are connected with them: referred to, never given.

use async_graphql::InputObject;
use domain::CredentialRef;

use crate::user_error::UserError;

/// One version of a credential that is kept elsewhere.
#[derive(InputObject)]
pub struct CredentialInput {
    /// Where it is kept and its name there: `provider/name`.
    pub name: String,
    /// Which version, from 1.
    pub version: u32,
}

impl CredentialInput {
    /// The reference; `path` is where it was asked for.
    pub(super) fn reference(&self, path: &[&str]) -> Result<CredentialRef, UserError> {
        Ok(CredentialRef {
            name: self
                .name
                .parse()
                .map_err(|error| UserError::bad_name(&error, path))?,
            version: self.version,
        })
    }
}
