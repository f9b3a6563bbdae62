//! Leaving: a worker stops taking assignments.

use async_graphql::{ID, InputObject};
use domain::worker::LeaveWorker;
use domain::{Position, WorkerId};

use super::mutation::{WorkerPayload, worker_in};
use crate::mutation::{Call, Mutation, NotDone, Once, Terms};
use crate::user_error::UserError;

/// The worker that leaves.
#[derive(InputObject)]
pub struct WorkerLeaveInput {
    /// The worker's UUID.
    pub worker_id: ID,
    #[graphql(flatten)]
    pub once: Once,
}

impl Mutation for WorkerLeaveInput {
    type Id = ();
    type Target = WorkerId;
    type Payload = WorkerPayload;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, (): &()) -> Result<WorkerId, UserError> {
        worker_in(&self.worker_id)
    }

    async fn run(&self, call: &Call<'_>, worker: &WorkerId) -> Result<Position, NotDone> {
        call.execute(&LeaveWorker { worker: *worker }).await
    }
}
