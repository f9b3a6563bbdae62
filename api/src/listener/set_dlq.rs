//! Giving a listener a dead letter queue.

use async_graphql::{Context, ID, InputObject};
use domain::flow::{Flow, Node};
use domain::listener::SetDlq;
use domain::{ListenerId, Position};

use super::mutation::ListenerPayload;
use crate::cycle;
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Terms, arguments};
use crate::user_error::{UserError, UserErrorCode, Warning};

/// The dead letter queue to switch to.
#[derive(InputObject)]
pub struct ListenerSetDlqInput {
    /// The name of a topic of the same broker; the algorithm needs a `DEAD_LETTER` or `PUBLISH` grant
    /// on it.
    pub dlq: String,
    /// Set it although messages would go round in a cycle: a warning instead of a refusal.
    #[graphql(default)]
    pub allow_cycle: bool,
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
            flows: cycle::flows_leading_to(call.ctx, &Node::Topic(listener.topic.clone())).await?,
            allow_cycle: self.allow_cycle,
        };
        let done = call.execute(&command).await;
        done.map_err(|error| error.map(about_dlq))
    }

    async fn warnings(
        &self,
        ctx: &Context<'_>,
        listener: &ListenerId,
    ) -> async_graphql::Result<Vec<Warning>> {
        let dlq = self.dlq.parse().ok();
        let flows = Flow::of_listener(listener, dlq.as_ref());
        cycle::warnings(ctx, &Node::Topic(listener.topic.clone()), flows).await
    }
}

/// The only argument whose refusal does not say what it is about.
pub(super) fn about_dlq(error: UserError) -> UserError {
    match error.code {
        UserErrorCode::UnknownTopic => error.or_about(&["input", "dlq"]),
        _ => error,
    }
}
