//! What workers report.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use domain::Command;
use domain::broker::DiscoveredTopic;
use domain::worker::{JoinWorker, LeaveWorker, Report as DomainReport, ReportConsumer};

use super::subscription::worker;
use crate::control::control;
use crate::error::invalid;
use crate::id;
use crate::mutation::{Ticket, execute};
use crate::scalar::Position;
use crate::user_error::{UserError, UserErrorCode};

/// The answer to a worker.
#[derive(SimpleObject)]
pub struct WorkerPayload {
    /// Why nothing was recorded; empty when it was.
    pub user_errors: Vec<UserError>,
    pub position: Option<Position>,
}

#[derive(InputObject)]
pub struct WorkerJoinInput {
    /// A UUID of the worker's own, the same after a restart.
    pub worker_id: ID,
    pub idempotency_key: Option<String>,
}

#[derive(InputObject)]
pub struct WorkerLeaveInput {
    pub worker_id: ID,
    pub idempotency_key: Option<String>,
}

#[derive(InputObject)]
pub struct ConsumerReportInput {
    pub worker_id: ID,
    pub listener_id: ID,
    pub report: ConsumerReport,
    /// The error of a failed consumer, the reason of a blocked listener.
    pub text: Option<String>,
    pub idempotency_key: Option<String>,
}

/// What became of a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ConsumerReport {
    Started,
    Stopped,
    /// It ended by itself and will be started again.
    Failed,
    /// It holds its position.
    Blocked,
    Unblocked,
}

#[derive(InputObject)]
pub struct WorkerAnswerInput {
    pub request_id: ID,
    /// The broker's topics.
    pub topics: Option<Vec<TopicInput>>,
    /// Why there are none.
    pub error: Option<String>,
}

#[derive(InputObject)]
pub struct TopicInput {
    pub name: String,
    pub partitions: Option<u32>,
}

#[derive(Default)]
pub struct WorkerMutation;

#[Object]
impl WorkerMutation {
    /// A worker takes assignments from now on.
    async fn worker_join(
        &self,
        ctx: &Context<'_>,
        input: WorkerJoinInput,
    ) -> Option<Result<WorkerPayload>> {
        let key = input.idempotency_key.as_deref();
        let ticket = Ticket::new("workerJoin", None, &input, key, None);
        Some(match worker(&input.worker_id) {
            Ok(worker) => record(ctx, &ticket, &JoinWorker { worker }).await,
            Err(error) => Err(error),
        })
    }

    /// A worker takes no more assignments; its consumers have stopped.
    async fn worker_leave(
        &self,
        ctx: &Context<'_>,
        input: WorkerLeaveInput,
    ) -> Option<Result<WorkerPayload>> {
        let key = input.idempotency_key.as_deref();
        let ticket = Ticket::new("workerLeave", None, &input, key, None);
        Some(match worker(&input.worker_id) {
            Ok(worker) => record(ctx, &ticket, &LeaveWorker { worker }).await,
            Err(error) => Err(error),
        })
    }

    /// A worker tells what became of a consumer.
    async fn consumer_report(
        &self,
        ctx: &Context<'_>,
        input: ConsumerReportInput,
    ) -> Option<Result<WorkerPayload>> {
        Some(report(ctx, input).await)
    }

    /// A worker answers a request of the control plane.
    async fn worker_answer(
        &self,
        ctx: &Context<'_>,
        input: WorkerAnswerInput,
    ) -> Option<Result<WorkerPayload>> {
        Some(answer(ctx, input))
    }
}

async fn record<C: Command>(
    ctx: &Context<'_>,
    ticket: &Ticket<'_>,
    command: &C,
) -> Result<WorkerPayload> {
    Ok(match execute(ctx, ticket, command).await? {
        Ok(position) => WorkerPayload {
            user_errors: Vec::new(),
            position: Some(Position(position)),
        },
        Err(error) => WorkerPayload::refused(error),
    })
}

async fn report(ctx: &Context<'_>, input: ConsumerReportInput) -> Result<WorkerPayload> {
    let key = input.idempotency_key.as_deref();
    let ticket = Ticket::new("consumerReport", None, &input, key, None);
    let listener = match id::listener(&input.listener_id) {
        Ok(listener) => listener,
        Err(error) => {
            let refused = UserError::bad_id(&error, &["input", "listenerId"]);
            return Ok(WorkerPayload::refused(refused));
        }
    };
    let text = input.text.clone().unwrap_or_default();
    let command = ReportConsumer {
        worker: worker(&input.worker_id)?,
        listener,
        report: match input.report {
            ConsumerReport::Started => DomainReport::Started,
            ConsumerReport::Stopped => DomainReport::Stopped,
            ConsumerReport::Failed => DomainReport::Failed { error: text },
            ConsumerReport::Blocked => DomainReport::Blocked { reason: text },
            ConsumerReport::Unblocked => DomainReport::Unblocked,
        },
    };
    record(ctx, &ticket, &command).await
}

fn answer(ctx: &Context<'_>, input: WorkerAnswerInput) -> Result<WorkerPayload> {
    let request = input
        .request_id
        .parse()
        .map_err(|_| invalid("a request's id is a UUID"))?;
    let found = match (input.topics, input.error) {
        (Some(topics), None) => Ok(topics.into_iter().filter_map(TopicInput::known).collect()),
        (None, Some(error)) => Err(error),
        _ => return Err(invalid("an answer has either topics or an error")),
    };
    if control(ctx).requests.answer(request, found) {
        return Ok(WorkerPayload {
            user_errors: Vec::new(),
            position: None,
        });
    }
    Ok(WorkerPayload::refused(UserError::new(
        UserErrorCode::NotFound,
        "nobody waits for this answer any more",
        &["input", "requestId"],
    )))
}

impl WorkerPayload {
    fn refused(error: UserError) -> Self {
        Self {
            user_errors: vec![error],
            position: None,
        }
    }
}

impl TopicInput {
    /// The topic, unless its name is one that no algorithm could be granted.
    fn known(self) -> Option<DiscoveredTopic> {
        Some(DiscoveredTopic {
            name: self.name.parse().ok()?,
            partitions: self.partitions,
        })
    }
}
