//! Removing a grant.

use async_graphql::{ID, InputObject};
use domain::Position;
use domain::grant::{Edit, GrantKey};

use super::mutation::{GrantPayload, edit};
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Terms, arguments};
use crate::user_error::UserError;

/// Options for removing a grant.
#[derive(InputObject)]
pub struct GrantRemoveInput {
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

impl Mutation for GrantRemoveInput {
    type Id = ID;
    type Target = GrantKey;
    type Payload = GrantPayload;

    const FORBIDS: bool = true;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, id: &ID) -> Result<GrantKey, UserError> {
        arguments::id(id, id::grant)
    }

    async fn run(&self, call: &Call<'_>, grant: &GrantKey) -> Result<Position, NotDone> {
        edit(call, Edit::Remove, grant).await
    }
}
