//! One call of a mutation: the request that the engine remembers it by, and its outcome.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, Result};
use domain::{AnyCommand, CommandId, CorrelationId, Position, Thing};
use engine::{Failure, Outcome, Request, Seen, Stale};
use serde_json::Value;

use super::fingerprint::fingerprint;
use super::{NotDone, Terms};
use crate::control::{Control, READ_YOUR_WRITES, control, principal};
use crate::error::{failure, read_failure};
use crate::event::Event;
use crate::job::{JobWork, Progress, Reached, result_within};
use crate::scalar::Revision;
use crate::user_error::{UserError, UserErrorCode, ValueBounds};

/// The longest idempotency key, in bytes.
const LONGEST_KEY: usize = 200;

/// The longest that an answer waits for a job.
const LONGEST_WAIT_MS: u32 = 30_000;

/// What a job works with.
pub(crate) struct Task {
    pub(crate) control: Arc<Control>,
    pub(crate) request: Request,
    pub(crate) progress: Progress,
}

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
                let text = "an idempotency key must have 1 to 200 bytes";
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
            Some(outcome) => Self::end(Ok(outcome)).map(Some),
            None => Ok(None),
        }
    }

    /// Has the engine execute `command`.
    pub(crate) async fn execute(&self, command: &dyn AnyCommand) -> Result<Position, NotDone> {
        let engine = &control(self.ctx).engine;
        Self::end(engine.execute(command, &self.request).await)
    }

    /// Has a job do it, and waits for its end, but not for ever. The task gets what it needs of the
    /// call, which it outlives.
    pub(crate) async fn job<F>(
        &self,
        work: JobWork,
        wait_ms: u32,
        task: impl FnOnce(Task) -> F,
    ) -> Result<Position, NotDone>
    where
        F: Future<Output = Result<Reached, NotDone>> + Send + 'static,
    {
        if wait_ms > LONGEST_WAIT_MS {
            let text = "the answer waits at most 30,000 ms for a job";
            let path = &["input", "waitMs"];
            let error = UserError {
                bounds: Some(ValueBounds {
                    min: 0,
                    max: LONGEST_WAIT_MS,
                }),
                ..UserError::new(UserErrorCode::OutOfRange, text, path)
            };
            return Err(error.into());
        }
        let control = Arc::clone(self.ctx.data_unchecked::<Arc<Control>>());
        let request = self.request.clone();
        let (command, fingerprint) = (request.command, request.fingerprint);
        let (jobs, shown) = (Arc::clone(&control), Arc::clone(&control));
        let job = jobs.jobs.begin(command, fingerprint, work, |progress| {
            let task = task(Task {
                control,
                request,
                progress,
            });
            async move {
                let reached = task.await?;
                // A client that is told of the end must see the result. Where the read models are
                // late, the work is done all the same.
                let _ = shown
                    .model
                    .wait_for(reached.position, READ_YOUR_WRITES)
                    .await;
                Ok(reached)
            }
        })?;
        result_within(job, Duration::from_millis(wait_ms.into())).await
    }

    /// The end of a mutation whose command came to `outcome`.
    pub(crate) fn end(outcome: Result<Outcome, Failure>) -> Result<Position, NotDone> {
        let error = match outcome.map_err(|cause| failure(&cause))? {
            Outcome::Accepted(accepted) => return Ok(accepted.position),
            Outcome::Refused(refusal) => refusal.into(),
            Outcome::Stale(stale) => conflict(stale),
            Outcome::KeyReused => UserError::key_reused(),
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

/// The arguments as they were sent, without how long the answer waits: that changes nothing of
/// what is done.
fn arguments(ctx: &Context<'_>) -> Result<serde_json::Value> {
    let mut members = serde_json::Map::new();
    for (name, value) in ctx.field().arguments()? {
        members.insert(name.to_string(), value.into_json()?);
    }
    if let Some(input) = members.get_mut("input").and_then(Value::as_object_mut) {
        input.remove("waitMs");
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
