//! Leaving a listener without a dead letter queue.

use async_graphql::{ID, InputObject};
use domain::listener::ClearDlq;
use domain::{ListenerId, Position};

use super::mutation::ListenerPayload;
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Terms, arguments};
use crate::user_error::UserError;

/// On which terms to clear the dead letter queue.
#[derive(InputObject)]
pub struct ListenerClearDlqInput {
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

impl Mutation for ListenerClearDlqInput {
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
        let command = ClearDlq {
            listener: listener.clone(),
        };
        call.execute(&command).await
    }
}
