//! One call of a mutation: the request that the engine remembers it by, and its outcome.

use async_graphql::{Context, Result};
use domain::{AnyCommand, CommandId, CorrelationId, Position, Thing};
use engine::{Failure, Outcome, Request, Seen, Stale};

use super::fingerprint::fingerprint;
use super::{NotDone, Terms};
use crate::control::{READ_YOUR_WRITES, control, principal};
use crate::error::{failure, read_failure};
use crate::event::Event;
use crate::scalar::Revision;
use crate::user_error::{UserError, UserErrorCode};

/// The longest idempotency key, in bytes.
const LONGEST_KEY: usize = 200;

/// A mutation that is being performed.
pub(crate) struct Call<'a> {
    pub(crate) ctx: &'a Context<'a>,
    request: Request,
    /// What the caller last saw of the target.
    expected_revision: Option<Revision>,
}

impl<'a> Call<'a> {
    pub(super) fn new(ctx: &'a Context<'a>, terms: Terms<'_>) -> Result<Self, NotDone> {
        let principal = principal(ctx);
        let mutation = ctx.field().name();
        let command = match terms.idempotency_key {
            None => CommandId(control(ctx).engine.next_id()),
            Some(key) if (1..=LONGEST_KEY).contains(&key.len()) => {
                let actor = principal.actor.to_string();
                CommandId::of_key(&actor, &format!("{mutation}:{key}"))
            }
            Some(_) => {
                let text = "an idempotency key has 1 to 200 bytes";
                let path = &["input", "idempotencyKey"];
                return Err(UserError::new(UserErrorCode::OutOfRange, text, path).into());
            }
        };
        let request = Request {
            actor: principal.actor.clone(),
            command,
            fingerprint: fingerprint(mutation, &arguments(ctx)?),
            correlation: CorrelationId(command.0),
            causation: None,
            client_address: principal.client_address.clone(),
            repeatable: terms.idempotency_key.is_some(),
            expected: Vec::new(),
        };
        Ok(Self {
            ctx,
            request,
            expected_revision: terms.expected_revision,
        })
    }

    /// The request that the engine remembers the mutation by.
    pub(crate) fn request(&self) -> &Request {
        &self.request
    }

    /// Has the engine compare the revision that the caller saw with that of `thing`.
    pub(super) fn guard(&mut self, thing: Option<Thing>) {
        let seen = thing.zip(self.expected_revision);
        let seen = seen.map(|(thing, Revision(revision))| Seen { thing, revision });
        self.request.expected = seen.into_iter().collect();
    }

    /// Where the mutation was done before under its key, if it was.
    pub(super) async fn done_before(&self) -> Result<Option<Position>, NotDone> {
        if !self.request.repeatable {
            return Ok(None);
        }
        let before = control(self.ctx).engine.done_before(&self.request).await;
        match before.map_err(|cause| failure(&cause))? {
            Some(outcome) => self.end(Ok(outcome)).map(Some),
            None => Ok(None),
        }
    }

    /// Has the engine execute `command`.
    pub(crate) async fn execute(&self, command: &dyn AnyCommand) -> Result<Position, NotDone> {
        let engine = &control(self.ctx).engine;
        self.end(engine.execute(command, &self.request).await)
    }

    /// The end of a mutation whose command came to `outcome`.
    pub(crate) fn end(&self, outcome: Result<Outcome, Failure>) -> Result<Position, NotDone> {
        let error = match outcome.map_err(|cause| failure(&cause))? {
            Outcome::Accepted(accepted) => return Ok(accepted.position),
            Outcome::Refused(refusal) => refusal.into(),
            Outcome::Stale(stale) => conflict(stale),
            Outcome::KeyReused => UserError::new(
                UserErrorCode::IdempotencyKeyReused,
                "this key was used before for something else",
                &["input", "idempotencyKey"],
            ),
        };
        Err(error.into())
    }

    /// Waits until the read models reflect `position`.
    pub(super) async fn wait_for(&self, position: Position) -> Result<()> {
        let model = &control(self.ctx).model;
        let reached = model.wait_for(position, READ_YOUR_WRITES).await;
        reached.map_err(|cause| read_failure(&cause))
    }
}

/// The arguments as they were sent.
fn arguments(ctx: &Context<'_>) -> Result<serde_json::Value> {
    let mut members = serde_json::Map::new();
    for (name, value) in ctx.field().arguments()? {
        members.insert(name.to_string(), value.into_json()?);
    }
    Ok(members.into())
}

fn conflict(stale: Stale) -> UserError {
    let message = match stale.actual {
        Some(_) => "it has changed since",
        None => "it does not exist yet",
    };
    let path = &["input", "expectedRevision"];
    UserError {
        revision: Some(Revision(stale.actual)),
        changes: stale.since.into_iter().map(Event).collect(),
        ..UserError::new(UserErrorCode::Conflict, message, path)
    }
}
