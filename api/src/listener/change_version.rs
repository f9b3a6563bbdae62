//! Switching a listener to another version.

use async_graphql::{ID, InputObject};
use domain::listener::ChangeListenerVersion;
use domain::{ListenerId, Position};

use super::mutation::ListenerPayload;
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Terms, arguments};
use crate::user_error::UserError;

/// The version to switch to.
#[derive(InputObject)]
pub struct ListenerChangeVersionInput {
    /// The version selector: `1.2.3`, `1.2.*`, `1.*` or `latest`.
    pub version: String,
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

impl Mutation for ListenerChangeVersionInput {
    type Id = ID;
    type Target = ListenerId;
    type Payload = ListenerPayload;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, id: &ID) -> Result<ListenerId, UserError> {
        arguments::id(id, id::listener)
    }

    async fn run(&self, call: &Call<'_>, listener: &ListenerId) -> Result<Position, NotDone> {
        let command = ChangeListenerVersion {
            listener: listener.clone(),
            version: arguments::name_in(&self.version, "version")?,
        };
        call.execute(&command).await
    }
}
