//! The history of one thing.

use async_graphql::connection::{Connection, CursorType, Edge};
use async_graphql::{Context, ID, Object, Result};
use domain::{Envelope, Position, Revision, Thing, codec};

use super::Event;
use crate::as_of::{self, AsOf};
use crate::control::control;
use crate::error::{Code, fault, invalid, log_failure};
use crate::id::GlobalId;
use crate::paging::{Cursor, limit};

/// Events read at once.
const PAGE: usize = 512;

#[derive(Default)]
pub struct HistoryQuery;

#[Object]
impl HistoryQuery {
    /// What happened to one thing, oldest first: an organization, an algorithm, a version, a
    /// broker, a topic, a grant, a listener or a publisher, also one that no longer exists.
    async fn history(
        &self,
        ctx: &Context<'_>,
        of: ID,
        first: Option<i32>,
        after: Option<String>,
        as_of: Option<AsOf>,
    ) -> Option<Result<Connection<String, Event>>> {
        Some(told(ctx, &of, first, after.as_deref(), as_of).await)
    }
}

async fn told(
    ctx: &Context<'_>,
    of: &ID,
    first: Option<i32>,
    after: Option<&str>,
    as_of: Option<AsOf>,
) -> Result<Connection<String, Event>> {
    let until = as_of::bound(ctx, as_of).await?;
    let span = Span {
        after: Position(0),
        until: until.unwrap_or(Position(u64::MAX)),
    };
    history(ctx, of, span, first, after).await
}

/// The part of the log that a history covers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) after: Position,
    pub(crate) until: Position,
}

/// What happened to one thing within `span`.
pub(crate) async fn history(
    ctx: &Context<'_>,
    of: &ID,
    span: Span,
    first: Option<i32>,
    after: Option<&str>,
) -> Result<Connection<String, Event>> {
    let wanted = limit(first)? as usize;
    let mut from = after.map_or(Ok(Revision(0)), behind)?;
    let Some(of) = GlobalId::decode(of).and_then(GlobalId::thing) else {
        return Err(invalid("this is not the id of anything that has a history"));
    };
    let stream = of.stream();
    let store = control(ctx).engine.store();
    let mut found = Vec::new();
    while found.len() <= wanted {
        let page = store.read_stream(&stream, from, PAGE).await;
        let page = page.map_err(|cause| log_failure(&cause))?;
        let beyond = |last: &Envelope| last.position >= span.until;
        let last = page.len() < PAGE || page.last().is_some_and(beyond);
        for envelope in page {
            from = Revision(envelope.revision.0 + 1);
            let within = envelope.position > span.after && envelope.position <= span.until;
            if within && concerns(&of, &envelope)? {
                found.push(envelope);
            }
        }
        if last {
            break;
        }
    }
    let mut connection = Connection::new(after.is_some(), found.len() > wanted);
    found.truncate(wanted);
    connection.edges = found
        .into_iter()
        .map(|envelope| Edge::new(cursor(&envelope), Event(envelope)))
        .collect();
    Ok(connection)
}

/// The place of an event in its stream.
fn cursor(envelope: &Envelope) -> String {
    Cursor(envelope.revision.to_string()).encode_cursor()
}

/// The revision behind a cursor.
fn behind(cursor: &str) -> Result<Revision> {
    let revision = Cursor::decode_cursor(cursor).ok();
    let revision = revision.and_then(|cursor| cursor.0.parse::<u64>().ok());
    let behind = revision.and_then(|revision| revision.checked_add(1));
    behind
        .map(Revision)
        .ok_or_else(|| invalid("after is not a cursor of this list"))
}

/// Whether an event of its stream belongs to the history of the thing.
fn concerns(of: &Thing, envelope: &Envelope) -> Result<bool> {
    if of.has_own_stream() {
        return Ok(true);
    }
    let event = codec::decode(envelope).map_err(|cause| fault(Code::Internal, &cause))?;
    Ok(event.concerns(of))
}
