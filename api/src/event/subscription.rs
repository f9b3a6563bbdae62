//! Following the event log.

use async_graphql::{Context, Result, Subscription};
use futures_util::{Stream, StreamExt};

use super::Event;
use crate::control::control;
use crate::error::log_failure;
use crate::scalar::Position;

#[derive(Default)]
pub struct EventSubscription;

#[Subscription]
impl EventSubscription {
    /// Events after a position: those recorded already, then new ones, without gap or duplicate.
    async fn events(
        &self,
        ctx: &Context<'_>,
        after: Option<Position>,
    ) -> impl Stream<Item = Result<Event>> + use<> {
        let after = after.map(|position| position.0).unwrap_or_default();
        let events = control(ctx).engine.store().follow(after);
        events.map(|envelope| envelope.map(Event).map_err(|cause| log_failure(&cause)))
    }
}
