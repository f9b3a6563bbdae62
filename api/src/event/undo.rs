//! Taking an event back by a new one.

use async_graphql::{Context, ID, InputObject, Object, Result};
use domain::codec;
use domain::flow::{Flows, Node};
use domain::undo::NoUndo;
use domain::{Envelope, Event as Happened, Position, Thing};
use engine::undo::Undo;
use engine::{Outcome, Request};

use super::Event;
use super::loaders::at;
use crate::control::control;
use crate::cycle::flows_leading_to;
use crate::error::failure;
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, Once, Target, Terms, arguments, mutate, payload};
use crate::user_error::{UserError, UserErrorCode};

/// The argument that all errors are about.
const EVENT: &[&str] = &["id"];

/// What is said where the log has no event there.
const NO_SUCH_EVENT: &str = "there is no such event";

/// How often the inverse is made again because its stream changed in between.
const MOST_TRIES: u32 = 16;

payload!(
    /// The answer of `undo`: the event that undoes the other one.
    UndoPayload { event: Event }
);

/// Options for undoing an event.
#[derive(InputObject)]
pub struct UndoInput {
    #[graphql(flatten)]
    pub once: Once,
}

#[derive(Default)]
pub struct UndoMutation;

#[Object]
impl UndoMutation {
    /// Undoes an event and everything that was appended together with it: one request undoes what
    /// one request did. It does not undo anything that happened since.
    ///
    /// Codes: `NOT_FOUND`, `NOT_UNDOABLE`, and those of the mutation that undoes it.
    async fn undo(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: UndoInput,
    ) -> Option<Result<UndoPayload>> {
        mutate(ctx, id, input).await
    }
}

/// The event at a position, to be taken back.
pub(crate) struct Undone(Position);

impl Target for Undone {
    type Entity = Event;

    fn thing(&self) -> Option<Thing> {
        // What is undone is compared with what it left.
        None
    }

    async fn find(&self, ctx: &Context<'_>, position: Position) -> Result<Option<Event>> {
        Ok(at(ctx, position).await?.map(Event))
    }
}

impl Mutation for UndoInput {
    type Id = ID;
    type Target = Undone;
    type Payload = UndoPayload;

    const FORBIDS: bool = true;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, id: &ID) -> Result<Undone, UserError> {
        arguments::id(id, id::event).map(Undone)
    }

    async fn run(&self, call: &Call<'_>, target: &Undone) -> Result<Position, NotDone> {
        let engine = &control(call.ctx).engine;
        let no_such_event = || UserError::new(UserErrorCode::NotFound, NO_SUCH_EVENT, EVENT);
        let event = at(call.ctx, target.0).await?.ok_or_else(no_such_event)?;
        let flows = flows(call.ctx, &event).await?;
        for _ in 0..MOST_TRIES {
            let undo = engine.undo(&event.stream, event.revision, &flows).await;
            let (inverse, expected) = match undo.map_err(|cause| failure(&cause))? {
                Undo::Command { inverse, expected } => (inverse, expected),
                Undo::Impossible(reason) => return Err(impossible(&reason).into()),
                Undo::NoSuchEvent => return Err(no_such_event().into()),
            };
            let request = Request {
                expected,
                ..call.request().clone()
            };
            match engine.execute(inverse.as_ref(), &request).await {
                Ok(Outcome::Stale(_)) => {}
                outcome => return Call::end(outcome).map_err(|error| error.map(of_event)),
            }
        }
        let text = format!("too many concurrent changes to {}; try again", event.stream);
        Err(NotDone::too_busy(&text))
    }
}

/// A refusal of the inverse, which has arguments, but none that the caller gave.
fn of_event(mut error: UserError) -> UserError {
    if error.code != UserErrorCode::IdempotencyKeyReused {
        error.path = None;
    }
    error.or_about(EVENT)
}

/// The flows that may close a cycle with what the inverse enables or sets again.
async fn flows(ctx: &Context<'_>, envelope: &Envelope) -> Result<Flows> {
    let source = match codec::decode(envelope) {
        Ok(Happened::ListenerDisabled(e)) => Node::Topic(e.listener.topic),
        Ok(Happened::DlqSet(e)) => Node::Topic(e.listener.topic),
        Ok(Happened::DlqCleared(e)) => Node::Topic(e.listener.topic),
        // A dead letter queue may have changed in the same append.
        Ok(Happened::ListenerVersionChanged(e)) => Node::Topic(e.listener.topic),
        Ok(Happened::ListenerSettingsChanged(e)) => Node::Topic(e.listener.topic),
        Ok(Happened::ListenerResumed(e)) => Node::Topic(e.listener.topic),
        Ok(Happened::PublisherDisabled(e)) => Node::Algorithm(e.publisher.algorithm),
        _ => return Ok(Flows::default()),
    };
    flows_leading_to(ctx, &source).await
}

fn impossible(reason: &NoUndo) -> UserError {
    UserError::new(UserErrorCode::NotUndoable, reason.to_string(), EVENT)
}
