//! Reading the event log.

use async_graphql::connection::{Connection, Edge};
use async_graphql::{Context, Object, Result};
use domain::Envelope;

use super::Event;
use crate::as_of::{self, AsOf};
use crate::control::control;
use crate::error::log_failure;
use crate::paging::limit;
use crate::scalar::Position;
use crate::view::View;

#[derive(Default)]
pub struct EventQuery;

#[Object]
impl EventQuery {
    /// The position that answers without `asOf` reflect, or exceed: `events` from there on miss
    /// nothing that they do not show.
    async fn position(&self, ctx: &Context<'_>) -> Position {
        Position(View::live(ctx).model().position())
    }

    /// Events in the order of the log, after a position. A cursor is the position of its event, so
    /// a reader can go on where it stopped, here or in the subscription.
    async fn events(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<Position>,
        as_of: Option<AsOf>,
    ) -> Option<Result<Connection<String, Event>>> {
        Some(events(ctx, first, after, as_of).await)
    }
}

async fn events(
    ctx: &Context<'_>,
    first: Option<i32>,
    after: Option<Position>,
    as_of: Option<AsOf>,
) -> Result<Connection<String, Event>> {
    let wanted = limit(first)? as usize;
    let after = after.map(|position| position.0).unwrap_or_default();
    let until = as_of::bound(ctx, as_of).await?;
    let store = control(ctx).engine.store();
    let page = store.read_all(after, wanted + 1).await;
    let mut page = page.map_err(|cause| log_failure(&cause))?;
    page.retain(|event| until.is_none_or(|until| event.position <= until));
    let more = page.len() > wanted;
    page.truncate(wanted);
    let mut connection = Connection::new(after.0 > 0, more);
    connection.edges = page
        .into_iter()
        .map(|envelope| Edge::new(envelope.position.to_string(), Event(envelope)))
        .collect();
    Ok(connection)
}

/// The event at a position; none where the log does not reach it.
pub(crate) async fn at(ctx: &Context<'_>, position: domain::Position) -> Result<Option<Envelope>> {
    let Some(before) = position.0.checked_sub(1) else {
        return Ok(None);
    };
    let store = control(ctx).engine.store();
    let page = store.read_all(domain::Position(before), 1).await;
    let page = page.map_err(|cause| log_failure(&cause))?;
    Ok(page.into_iter().find(|event| event.position == position))
}
