//! Reading the event log.

use async_graphql::connection::{Connection, Edge};
use async_graphql::{Context, Object, Result};

use super::Event;
use crate::control::control;
use crate::error::log_failure;
use crate::paging::limit;
use crate::scalar::Position;

#[derive(Default)]
pub struct EventQuery;

#[Object]
impl EventQuery {
    /// The place in the log that queries reflect at least: whoever reads on with `events` behind
    /// it misses nothing that they do not show.
    async fn position(&self, ctx: &Context<'_>) -> Position {
        Position(control(ctx).model.position())
    }

    /// Events in the order of the log, after a position. A cursor is the event's position, so
    /// that a reader goes on where it stopped, here or in the subscription.
    async fn events(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<Position>,
    ) -> Option<Result<Connection<String, Event>>> {
        Some(events(ctx, first, after).await)
    }
}

async fn events(
    ctx: &Context<'_>,
    first: Option<i32>,
    after: Option<Position>,
) -> Result<Connection<String, Event>> {
    let wanted = limit(first)? as usize;
    let after = after.map(|position| position.0).unwrap_or_default();
    let store = control(ctx).engine.store();
    let page = store.read_all(after, wanted + 1).await;
    let mut page = page.map_err(|cause| log_failure(&cause))?;
    let more = page.len() > wanted;
    page.truncate(wanted);
    let mut connection = Connection::new(after.0 > 0, more);
    connection.edges = page
        .into_iter()
        .map(|envelope| Edge::new(envelope.position.to_string(), Event(envelope)))
        .collect();
    Ok(connection)
}
