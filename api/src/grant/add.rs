//! Granting topics to an algorithm or to an organization.

use async_graphql::InputObject;
use domain::Position;
use domain::grant::{Edit, GrantKey};

use super::GrantAccess;
use super::input::{GrantScopeInput, GranteeInput};
use super::mutation::{GrantPayload, edit};
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Terms};
use crate::user_error::UserError;

/// A grant to give.
#[derive(InputObject)]
pub struct GrantAddInput {
    /// One topic, or all topics that a pattern matches.
    pub scope: GrantScopeInput,
    /// Who gets it.
    pub grantee: GranteeInput,
    /// What it permits.
    pub access: GrantAccess,
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

impl Mutation for GrantAddInput {
    type Id = ();
    type Target = GrantKey;
    type Payload = GrantPayload;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, (): &()) -> Result<GrantKey, UserError> {
        let permission = self.grantee.permission(self.access);
        let grant = permission.and_then(|permission| self.scope.grant(permission));
        grant.map_err(|error| error.within(&["input"]))
    }

    async fn run(&self, call: &Call<'_>, grant: &GrantKey) -> Result<Position, NotDone> {
        let done = edit(call, Edit::Add, grant).await;
        done.map_err(|error| error.or_about(self.scope.path()))
    }
}
