//! What became of a consumer.

use async_graphql::{Enum, ID, InputObject};
use domain::worker::{Report, ReportConsumer};
use domain::{ListenerId, Position, WorkerId};

use super::mutation::{WorkerPayload, worker_in};
use crate::mutation::{Call, Mutation, NotDone, Once, Terms};
use crate::scalar::Json;
use crate::user_error::UserError;

/// What happened to a consumer.
#[derive(InputObject)]
pub struct ConsumerReportInput {
    /// The worker's UUID.
    pub worker_id: ID,
    /// The listener that the consumer serves, as its assignment names it.
    pub listener: Json<ListenerId>,
    /// What happened to the consumer.
    pub report: ConsumerReport,
    /// The error of a failed consumer, or the reason of a blocked one.
    pub text: Option<String>,
    #[graphql(flatten)]
    pub once: Once,
}

/// What happened to a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ConsumerReport {
    /// It consumes.
    Started,
    /// It was stopped.
    Stopped,
    /// It failed and will be restarted.
    Failed,
    /// It holds its position.
    Blocked,
    /// It consumes again.
    Unblocked,
}

impl Mutation for ConsumerReportInput {
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
        let text = self.text.clone().unwrap_or_default();
        let command = ReportConsumer {
            worker: *worker,
            listener: self.listener.0.clone(),
            report: match self.report {
                ConsumerReport::Started => Report::Started,
                ConsumerReport::Stopped => Report::Stopped,
                ConsumerReport::Failed => Report::Failed { error: text },
                ConsumerReport::Blocked => Report::Blocked { reason: text },
                ConsumerReport::Unblocked => Report::Unblocked,
            },
        };
        call.execute(&command).await
    }
}
