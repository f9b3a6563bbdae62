//! Reading the event log.

use async_graphql::{Context, ID, Object, Result};
use domain::EventId;

use super::Event;
use super::list::{EventFilterInput, EventList, EventPage, list, span};
use super::loaders::by_uuid;
use crate::as_of::{self, AsOf};
use crate::error::invalid;
use crate::list::OrderDirection;
use crate::scalar::Position;
use crate::view::View;

#[derive(Default)]
pub struct EventQuery;

#[Object]
impl EventQuery {
    /// Answers without `asOf` reflect the log up to this position or a later one. Reading `events`
    /// after this position misses nothing that those answers do not show.
    async fn position(&self, ctx: &Context<'_>) -> Position {
        Position(View::live(ctx).model().position())
    }

    /// Events, the newest first unless `order` says otherwise. A cursor is the position of its
    /// event, so a reader can go on where it stopped, here or in the subscription. With a filter,
    /// only events that the read models have reached are listed.
    #[expect(clippy::too_many_arguments, reason = "they are the field's")]
    async fn events(
        &self,
        ctx: &Context<'_>,
        filter: Option<EventFilterInput>,
        first: Option<i32>,
        after: Option<Position>,
        last: Option<i32>,
        before: Option<Position>,
        #[graphql(default_with = "OrderDirection::Descending")] order: OrderDirection,
        as_of: Option<AsOf>,
    ) -> Option<Result<EventList>> {
        let page = EventPage {
            first,
            after,
            last,
            before,
            order,
        };
        Some(events(ctx, filter.unwrap_or_default(), page, as_of).await)
    }

    /// What happened to one thing, the newest first unless `order` says otherwise: an
    /// organization, an algorithm, a version, a broker, a topic, a grant, a listener, a publisher
    /// or a worker, even if it no longer exists.
    #[expect(clippy::too_many_arguments, reason = "they are the field's")]
    async fn history(
        &self,
        ctx: &Context<'_>,
        of: ID,
        filter: Option<EventFilterInput>,
        first: Option<i32>,
        after: Option<Position>,
        last: Option<i32>,
        before: Option<Position>,
        #[graphql(default_with = "OrderDirection::Descending")] order: OrderDirection,
        as_of: Option<AsOf>,
    ) -> Option<Result<EventList>> {
        let page = EventPage {
            first,
            after,
            last,
            before,
            order,
        };
        let mut filter = filter.unwrap_or_default();
        if filter.of.replace(of).is_some() {
            return Some(Err(invalid(
                "a history is already limited to one thing: leave out filter.of",
            )));
        }
        Some(events(ctx, filter, page, as_of).await)
    }

    /// The event with this UUID, by which exports of the log and proofs name it; null if there is
    /// none.
    async fn event_by_uuid(
        &self,
        ctx: &Context<'_>,
        uuid: String,
        as_of: Option<AsOf>,
    ) -> Option<Result<Event>> {
        let id = EventId(uuid.parse().ok()?);
        let event = async {
            let until = as_of::bound(ctx, as_of).await?;
            let event = by_uuid(ctx, id).await?;
            Ok(event.filter(|event| until.is_none_or(|until| event.position <= until)))
        };
        Some(event.await.transpose()?.map(Event))
    }
}

async fn events(
    ctx: &Context<'_>,
    filter: EventFilterInput,
    page: EventPage,
    as_of: Option<AsOf>,
) -> Result<EventList> {
    let span = span(ctx, as_of::bound(ctx, as_of).await?).await?;
    let (filter, span) = filter.read(ctx, span).await?;
    list(ctx, filter, span, page).await
}
