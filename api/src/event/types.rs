//! The event type.

use async_graphql::{Context, ID, Object, Result};
use domain::{Envelope, EventId};
use projections::event::EventFilter;

use super::actor::Actor;
use super::event_type::EventType;
use super::list::{EventList, EventPage, Span, list};
use super::loaders::by_uuid;
use super::summary::summary;
use crate::id::GlobalId;
use crate::scalar::{BigInt, DateTime, Json, Position};
use crate::view::View;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event(pub Envelope);

/// Something that happened, as the log has recorded it. Events never change.
#[Object]
impl Event {
    /// Its global id.
    pub async fn id(&self) -> ID {
        GlobalId::Event(self.0.position).encode()
    }

    /// Its UUID, by which exports of the log and proofs name it: see `eventByUuid`.
    async fn uuid(&self) -> String {
        self.0.id.to_string()
    }

    /// Its position in the log; `events(after:)` continues after it.
    async fn position(&self) -> Position {
        Position(self.0.position)
    }

    /// The stream that it belongs to.
    async fn stream(&self) -> &str {
        self.0.stream.as_str()
    }

    /// Its place in its stream, from 0.
    async fn stream_revision(&self) -> BigInt {
        BigInt(self.0.revision.0)
    }

    /// What kind of event it is; null if this server does not know it.
    #[graphql(name = "type")]
    async fn event_type(&self) -> Option<EventType> {
        EventType::named(&self.0.type_name)
    }

    /// What the log calls its type.
    async fn type_name(&self) -> &str {
        &self.0.type_name
    }

    /// The schema version of its payload, from 1.
    async fn schema_version(&self) -> u32 {
        self.0.schema_version
    }

    /// When it was recorded.
    async fn recorded_at(&self) -> DateTime {
        DateTime(self.0.recorded_at)
    }

    /// Who did it.
    async fn actor(&self, ctx: &Context<'_>) -> Actor {
        Actor::of(&self.0.meta.actor, View::live(ctx))
    }

    /// Identifies the request that it belongs to: see `correlated`, and the filter of `events`.
    async fn correlation_id(&self) -> String {
        self.0.meta.correlation.to_string()
    }

    /// What happened because of the same request, oldest first, this event included.
    async fn correlated(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<Position>,
        last: Option<i32>,
        before: Option<Position>,
    ) -> Option<Result<EventList>> {
        let filter = EventFilter {
            correlation: Some(self.0.meta.correlation),
            ..EventFilter::default()
        };
        let page = EventPage {
            first,
            after,
            last,
            before,
            ..EventPage::default()
        };
        Some(list(ctx, filter, Span::WHOLE, page).await)
    }

    /// The event that caused it; null if a request caused it directly.
    async fn cause(&self, ctx: &Context<'_>) -> Option<Result<Event>> {
        let cause = by_uuid(ctx, EventId(self.0.meta.causation)).await;
        Some(cause.transpose()?.map(Event))
    }

    /// The address that the request came from.
    async fn client_address(&self) -> Option<&str> {
        self.0.meta.client_address.as_deref()
    }

    /// What happened, as a sentence without a full stop; null if this server does not know the
    /// type.
    async fn summary(&self, ctx: &Context<'_>) -> Option<Result<String>> {
        summary(ctx, &self.0).await.transpose()
    }

    /// What happened, in its stored form.
    async fn payload(&self) -> Option<Json<serde_json::Value>> {
        serde_json::from_slice(&self.0.payload).ok().map(Json)
    }
}
