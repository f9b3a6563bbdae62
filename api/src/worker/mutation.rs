//! What workers report; each mutation in a file named by its verb.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use domain::{Thing, WorkerId};

use super::access;
use super::answer::{WorkerAnswerInput, answer};
use super::join::WorkerJoinInput;
use super::leave::WorkerLeaveInput;
use super::report::ConsumerReportInput;
use crate::mutation::{Mutation, Payload, Target, mutate};
use crate::scalar::Position;
use crate::user_error::{UserError, UserErrorCode, Warning};

/// The answer to a worker.
#[derive(SimpleObject)]
pub struct WorkerPayload {
    /// Why nothing was recorded; empty if something was.
    pub user_errors: Vec<UserError>,
    /// What was recorded but deserves a second look.
    pub warnings: Vec<Warning>,
    /// The position of what was recorded.
    pub position: Option<Position>,
}

impl Payload for WorkerPayload {
    type Entity = ();

    fn done(_entity: Option<()>, warnings: Vec<Warning>, position: domain::Position) -> Self {
        Self {
            user_errors: Vec::new(),
            warnings,
            position: Some(Position(position)),
        }
    }

    fn not_done(user_errors: Vec<UserError>) -> Self {
        Self {
            user_errors,
            ..Self::unrecorded()
        }
    }
}

impl WorkerPayload {
    pub(super) fn unrecorded() -> Self {
        Self {
            user_errors: Vec::new(),
            warnings: Vec::new(),
            position: None,
        }
    }
}

impl Target for WorkerId {
    type Entity = ();

    fn thing(&self) -> Option<Thing> {
        None
    }

    async fn find(&self, _ctx: &Context<'_>, _position: domain::Position) -> Result<Option<()>> {
        Ok(None)
    }
}

#[derive(Default)]
pub struct WorkerMutation;

#[Object]
impl WorkerMutation {
    /// A worker is here from now on. It is assigned what there is while its journal is that of the
    /// cluster, and stands by otherwise.
    ///
    /// Codes: `UNSUPPORTED_PROTOCOL`.
    async fn worker_join(
        &self,
        ctx: &Context<'_>,
        input: WorkerJoinInput,
    ) -> Option<Result<WorkerPayload>> {
        on_behalf(ctx, input.worker_id.clone(), input).await
    }

    /// A worker stops taking assignments; its consumers have stopped.
    ///
    /// Codes: none of its own.
    async fn worker_leave(
        &self,
        ctx: &Context<'_>,
        input: WorkerLeaveInput,
    ) -> Option<Result<WorkerPayload>> {
        on_behalf(ctx, input.worker_id.clone(), input).await
    }

    /// A worker reports what happened to a consumer.
    ///
    /// Codes: none of its own.
    async fn consumer_report(
        &self,
        ctx: &Context<'_>,
        input: ConsumerReportInput,
    ) -> Option<Result<WorkerPayload>> {
        on_behalf(ctx, input.worker_id.clone(), input).await
    }

    /// A worker answers a request of the control plane.
    ///
    /// Codes: `NOT_FOUND`.
    async fn worker_answer(
        &self,
        ctx: &Context<'_>,
        input: WorkerAnswerInput,
    ) -> Option<Result<WorkerPayload>> {
        Some(answer(ctx, input))
    }
}

/// Performs a mutation of a caller who may speak for the worker.
async fn on_behalf<M: Mutation<Id = ()>>(
    ctx: &Context<'_>,
    worker: ID,
    input: M,
) -> Option<Result<M::Payload>> {
    match access::speaking_for(ctx, &worker) {
        Ok(_) => mutate(ctx, (), input).await,
        Err(error) => Some(Err(error)),
    }
}

/// The worker that an input names.
pub(super) fn worker_in(id: &ID) -> Result<WorkerId, UserError> {
    let id = id.parse().map_err(|_| {
        UserError::new(
            UserErrorCode::BadId,
            "a worker's id must be a UUID",
            &["input", "workerId"],
        )
    })?;
    Ok(WorkerId(id))
}
