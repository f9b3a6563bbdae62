//! Taking an event back by a new one.

use async_graphql::{Context, ID, InputObject, Object, Result};
use domain::codec;
use domain::flow::{Flow, Flows};
use domain::{Envelope, Event as Happened};
use engine::undo::Undo;
use engine::{Outcome, Request};

use super::Event;
use super::query::at;
use crate::control::control;
use crate::cycle::flows_beyond;
use crate::error::{Code, error, failure};
use crate::id::{GlobalId, IdError};
use crate::mutation::{Ended, Ticket, end, payload};
use crate::user_error::{UserError, UserErrorCode};

/// The argument that all errors are about.
const EVENT: &[&str] = &["input", "eventId"];

/// How often the inverse is made anew because its stream moved on in between.
const MOST_TRIES: u32 = 16;

payload!(
    /// The answer of `undo`: the event that takes the other one back.
    UndoPayload { event: Event }
);

#[derive(InputObject)]
pub struct UndoInput {
    /// The event to take back.
    pub event_id: ID,
    /// The same key again answers the same and does nothing more; at most 200 bytes.
    pub idempotency_key: Option<String>,
}

#[derive(Default)]
pub struct UndoMutation;

#[Object]
impl UndoMutation {
    /// Takes an event back where it can be: by a new event, which undoes nothing that happened
    /// since.
    async fn undo(&self, ctx: &Context<'_>, input: UndoInput) -> Option<Result<UndoPayload>> {
        Some(undo(ctx, input).await)
    }
}

async fn undo(ctx: &Context<'_>, input: UndoInput) -> Result<UndoPayload> {
    let key = input.idempotency_key.as_deref();
    let ticket = Ticket::new("undo", None, &input, key, None);
    let request = match ticket.request(ctx) {
        Ok(request) => request,
        Err(error) => return Ok(UndoPayload::refused(error)),
    };
    Ok(match take_back(ctx, &input.event_id, request).await? {
        Err(error) => UndoPayload::refused(error),
        Ok(position) => UndoPayload::done(at(ctx, position).await?.map(Event), position),
    })
}

async fn take_back(ctx: &Context<'_>, id: &ID, request: Request) -> Ended {
    let engine = &control(ctx).engine;
    // Done before, the event looks like one that was changed since.
    let before = engine.done_before(&request).await;
    if let Some(outcome) = before.map_err(|cause| failure(&cause))? {
        return end(ctx, Ok(outcome)).await;
    }
    let Some(GlobalId::Event(position)) = GlobalId::decode(id) else {
        return Ok(Err(UserError::bad_id(&IdError("an event"), EVENT)));
    };
    let Some(event) = at(ctx, position).await? else {
        let text = "there is no such event";
        return Ok(Err(UserError::new(UserErrorCode::NotFound, text, EVENT)));
    };
    let flows = flows(ctx, &event).await?;
    for _ in 0..MOST_TRIES {
        let undo = engine.undo(&event.stream, event.revision, &flows).await;
        let (inverse, revision) = match undo.map_err(|cause| failure(&cause))? {
            Undo::Command { inverse, revision } => (inverse, revision),
            Undo::Impossible(reason) => return Ok(Err(impossible(reason.to_string()))),
            Undo::NoSuchEvent => return Ok(Err(impossible("there is no such event".to_owned()))),
        };
        let request = Request {
            expected_revision: Some(revision),
            ..request.clone()
        };
        match engine.execute_inverse(&inverse, &request).await {
            Ok(Outcome::Stale { .. }) => {}
            Ok(Outcome::Refused(refusal)) => {
                // The inverse has arguments, but none that the caller gave.
                let mut error = UserError::from(refusal);
                error.path = None;
                return Ok(Err(error.or_about(EVENT)));
            }
            outcome => return end(ctx, outcome).await,
        }
    }
    let text = "what the event is about is changed by too many at once";
    Err(error(Code::Unavailable, text))
}

/// The flows that may close a cycle when what the event ended is enabled again.
async fn flows(ctx: &Context<'_>, envelope: &Envelope) -> Result<Flows> {
    let flow = match codec::decode(envelope) {
        Ok(Happened::ListenerDisabled(e)) => Flow::Listener(e.listener),
        Ok(Happened::PublisherDisabled(e)) => Flow::Publisher(e.publisher),
        _ => return Ok(Flows::default()),
    };
    flows_beyond(ctx, &flow).await
}

fn impossible(reason: String) -> UserError {
    UserError::new(UserErrorCode::NotUndoable, reason, EVENT)
}
