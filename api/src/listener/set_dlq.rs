//! Giving a listener a dead letter queue.

use async_graphql::{ID, InputObject};
use domain::listener::SetDlq;
use domain::{ListenerId, Position};

use super::mutation::ListenerPayload;
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Terms, arguments};
use crate::user_error::{UserError, UserErrorCode};

/// The dead letter queue to switch to.
#[derive(InputObject)]
pub struct ListenerSetDlqInput {
    /// The name of a topic of the same broker.
    pub dlq: String,
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

impl Mutation for ListenerSetDlqInput {
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
        let command = SetDlq {
            listener: listener.clone(),
            dlq: arguments::name_in(&self.dlq, "dlq")?,
        };
        let done = call.execute(&command).await;
        done.map_err(|error| error.map(about_dlq))
    }
}

/// The only argument whose refusal does not say what it is about.
pub(super) fn about_dlq(error: UserError) -> UserError {
    match error.code {
        UserErrorCode::UnknownTopic => error.or_about(&["input", "dlq"]),
        _ => error,
    }
}
