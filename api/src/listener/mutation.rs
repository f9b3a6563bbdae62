//! The mutations of a listener; each in a file named by its verb.

use async_graphql::{ComplexObject, Context, ID, Object, Result};
use domain::{ListenerId, Position, Thing};

use super::Listener;
use super::disable::ListenerDisableInput;
use super::enable::ListenerEnableInput;
use super::pause::ListenerPauseInput;
use super::reset_position::ListenerResetPositionInput;
use super::resume::ListenerResumeInput;
use super::resumption::ListenerResumption;
use super::update::ListenerUpdateInput;
use crate::mutation::{Target, mutate, payload};
use crate::view::View;

payload!(
    /// The answer of the mutations of a listener.
    #[graphql(complex)]
    ListenerPayload { listener: Listener }
);

#[ComplexObject]
impl ListenerPayload {
    /// Where the listener goes on, and how many messages wait for it. A worker asks the broker,
    /// after everything else and only if this field is selected. Null if there is no answer within
    /// a few seconds, or if the broker keeps no positions.
    async fn resumption(&self, ctx: &Context<'_>) -> Option<Result<ListenerResumption>> {
        ListenerResumption::of(ctx, self.listener.as_ref()?)
            .await
            .transpose()
    }
}

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
    /// Feeds the messages of a topic to an algorithm.
    ///
    /// Codes: `VERSION_WITHDRAWN`, `ALGORITHM_RETIRED`, `UNKNOWN_VERSION`, `UNKNOWN_TOPIC`,
    /// `NOT_GRANTED`, `ALREADY_ENABLED`, `DLQ_IS_SOURCE_TOPIC`, `FLOW_CYCLE`, `BROKER_GONE`,
    /// `START_REQUIRED`, `NOTHING_TO_START_AT`, `BAD_EXPRESSION`, `BAD_NAME`.
    async fn listener_enable(
        &self,
        ctx: &Context<'_>,
        input: ListenerEnableInput,
    ) -> Option<Result<ListenerPayload>> {
        mutate(ctx, (), input).await
    }

    /// Changes the version, the dead letter queue and the settings that the input names, in one
    /// append; the rest stays as it is.
    ///
    /// Codes: `VERSION_WITHDRAWN`, `ALGORITHM_RETIRED`, `UNKNOWN_VERSION`, `UNKNOWN_TOPIC`,
    /// `NOT_GRANTED`, `NOT_ENABLED`, `DLQ_IS_SOURCE_TOPIC`, `FLOW_CYCLE`, `BROKER_GONE`,
    /// `BAD_EXPRESSION`, `BAD_NAME`.
    async fn listener_update(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: ListenerUpdateInput,
    ) -> Option<Result<ListenerPayload>> {
        mutate(ctx, id, input).await
    }

    /// Pauses a listener: it consumes nothing until it is resumed, but stays enabled and keeps its
    /// position.
    ///
    /// Codes: `NOT_ENABLED`.
    async fn listener_pause(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: ListenerPauseInput,
    ) -> Option<Result<ListenerPayload>> {
        mutate(ctx, id, input).await
    }

    /// Resumes a listener from where it was paused.
    ///
    /// Codes: `NOT_ENABLED`.
    async fn listener_resume(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: ListenerResumeInput,
    ) -> Option<Result<ListenerPayload>> {
        mutate(ctx, id, input).await
    }

    /// Has a listener go on elsewhere in its topic, to read messages again or to skip some. What it
    /// reads again is called again and counted again, as other runs with other ids, and its results
    /// are published again. The reset is applied once, when its consumers have heard of it, or when
    /// they start; a later one takes its place. `listenerResetPositionPreview` says how many messages
    /// there are. It cannot be undone.
    ///
    /// Codes: `NOT_ENABLED`, `NOTHING_TO_START_AT`.
    async fn listener_reset_position(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: ListenerResetPositionInput,
    ) -> Option<Result<ListenerPayload>> {
        mutate(ctx, id, input).await
    }

    /// Stops consuming. The position is kept.
    ///
    /// Codes: `NOT_ENABLED`.
    async fn listener_disable(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: ListenerDisableInput,
    ) -> Option<Result<ListenerPayload>> {
        mutate(ctx, id, input).await
    }
}
