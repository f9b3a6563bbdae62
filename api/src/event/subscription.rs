//! Following the event log.

use async_graphql::{Context, Result, Subscription};
use domain::Envelope;
use engine::EventFeed;
use futures_util::{Stream, StreamExt};

use super::Event;
use crate::error::log_failure;
use crate::scalar::Position;

#[derive(Default)]
pub struct EventSubscription;

#[Subscription]
impl EventSubscription {
    /// Events after a position: first those already recorded, then new ones, without gaps or
    /// duplicates.
    async fn events(
        &self,
        ctx: &Context<'_>,
        after: Option<Position>,
    ) -> impl Stream<Item = Result<Event>> + use<> {
        let after = after.map(|position| position.0).unwrap_or_default();
        let events = ctx.data_unchecked::<EventFeed>().subscribe(after);
        events.map(|envelope| match envelope {
            Ok(envelope) => Ok(Event(Envelope::clone(&envelope))),
            Err(cause) => Err(log_failure(&cause)),
        })
    }
}
