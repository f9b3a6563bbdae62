//! The mutations of a listener; each in a file named by its verb.

use async_graphql::{Context, ID, Object, Result};
use domain::{ListenerId, Position, Thing};

use super::Listener;
use super::change_settings::ListenerChangeSettingsInput;
use super::change_version::ListenerChangeVersionInput;
use super::clear_dlq::ListenerClearDlqInput;
use super::disable::ListenerDisableInput;
use super::enable::ListenerEnableInput;
use super::pause::ListenerPauseInput;
use super::resume::ListenerResumeInput;
use super::set_dlq::ListenerSetDlqInput;
use crate::mutation::{Target, mutate, payload};
use crate::view::View;

payload!(
    /// The answer of the mutations of a listener.
    ListenerPayload { listener: Listener }
);

impl Target for ListenerId {
    type Entity = Listener;

    fn thing(&self) -> Option<Thing> {
        Some(Thing::Listener(self.clone()))
    }

    async fn find(&self, ctx: &Context<'_>, _position: Position) -> Result<Option<Listener>> {
        let found = View::live(ctx).find(self.clone(), Listener).await;
        found.transpose()
    }
}

#[derive(Default)]
pub struct ListenerMutation;

#[Object]
impl ListenerMutation {
    /// Feeds an algorithm with the messages of a topic.
    async fn listener_enable(
        &self,
        ctx: &Context<'_>,
        input: ListenerEnableInput,
    ) -> Option<Result<ListenerPayload>> {
        mutate(ctx, (), input).await
    }

    /// Switches to another version.
    async fn listener_change_version(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: ListenerChangeVersionInput,
    ) -> Option<Result<ListenerPayload>> {
        mutate(ctx, id, input).await
    }

    /// Changes the listener's settings.
    async fn listener_change_settings(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: ListenerChangeSettingsInput,
    ) -> Option<Result<ListenerPayload>> {
        mutate(ctx, id, input).await
    }

    /// Consumes nothing until it is resumed. The listener stays enabled and keeps its position.
    async fn listener_pause(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: ListenerPauseInput,
    ) -> Option<Result<ListenerPayload>> {
        mutate(ctx, id, input).await
    }

    /// Consumes again from where it was paused.
    async fn listener_resume(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: ListenerResumeInput,
    ) -> Option<Result<ListenerPayload>> {
        mutate(ctx, id, input).await
    }

    /// Sends faulty messages to a topic of the same broker.
    async fn listener_set_dlq(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: ListenerSetDlqInput,
    ) -> Option<Result<ListenerPayload>> {
        mutate(ctx, id, input).await
    }

    /// Leaves the listener without a dead letter queue.
    async fn listener_clear_dlq(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: ListenerClearDlqInput,
    ) -> Option<Result<ListenerPayload>> {
        mutate(ctx, id, input).await
    }

    /// Stops consuming. The position stays on the broker.
    async fn listener_disable(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: ListenerDisableInput,
    ) -> Option<Result<ListenerPayload>> {
        mutate(ctx, id, input).await
    }
}
