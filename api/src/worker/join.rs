//! Joining: a worker takes assignments.

use async_graphql::{ID, InputObject};
use domain::worker::{JoinWorker, PROTOCOL_VERSION};
use domain::{JournalId, Position, WorkerId};

use super::mutation::{WorkerPayload, worker_in};
use crate::mutation::{Call, Mutation, NotDone, Once, Terms};
use crate::user_error::{UserError, UserErrorCode};

/// The worker that joins.
#[derive(InputObject)]
pub struct WorkerJoinInput {
    /// The worker's own UUID, the same after a restart.
    pub worker_id: ID,
    /// The version of the protocol that the worker speaks.
    pub protocol_version: u32,
    /// The UUID of the journal that the worker decides in. Those that decide in the same one share
    /// the assignments.
    pub journal_id: ID,
    #[graphql(flatten)]
    pub once: Once,
}

impl Mutation for WorkerJoinInput {
    type Id = ();
    type Target = WorkerId;
    type Payload = WorkerPayload;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, (): &()) -> Result<WorkerId, UserError> {
        if self.protocol_version != PROTOCOL_VERSION {
            return Err(UserError::new(
                UserErrorCode::UnsupportedProtocol,
                format!("the server speaks version {PROTOCOL_VERSION} of the workers' protocol"),
                &["input", "protocolVersion"],
            ));
        }
        worker_in(&self.worker_id)
    }

    async fn run(&self, call: &Call<'_>, worker: &WorkerId) -> Result<Position, NotDone> {
        let journal = self.journal_id.parse().map_err(|_| {
            UserError::new(
                UserErrorCode::BadId,
                "a journal's id must be a UUID",
                &["input", "journalId"],
            )
        })?;
        let join = JoinWorker {
            worker: *worker,
            journal: JournalId(journal),
        };
        call.execute(&join).await
    }
}
