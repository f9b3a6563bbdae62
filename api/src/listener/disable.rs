//! Disabling a listener.

use async_graphql::{ID, InputObject};
use domain::listener::DisableListener;
use domain::{ListenerId, Position};

use super::mutation::ListenerPayload;
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Terms, arguments};
use crate::user_error::UserError;

/// Options for disabling a listener.
#[derive(InputObject)]
pub struct ListenerDisableInput {
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

impl Mutation for ListenerDisableInput {
    type Id = ID;
    type Target = ListenerId;
    type Payload = ListenerPayload;

    const FORBIDS: bool = true;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, id: &ID) -> Result<ListenerId, UserError> {
        arguments::id(id, id::listener)
    }

    async fn run(&self, call: &Call<'_>, listener: &ListenerId) -> Result<Position, NotDone> {
        let command = DisableListener {
            listener: listener.clone(),
        };
        call.execute(&command).await
    }
}
