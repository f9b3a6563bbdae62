//! A worker's answer to a request of the control plane.

use async_graphql::{Context, ID, InputObject, OneofObject, Result};
use domain::broker::DiscoveredTopic;

use super::access;
use super::mutation::WorkerPayload;
use super::requests::{Answer, Backlog, Part};
use crate::control::control;
use crate::error::invalid;
use crate::mutation::Payload;
use crate::scalar::BigInt;
use crate::user_error::{UserError, UserErrorCode};

/// An answer to a `WorkerRequest`.
#[derive(InputObject)]
pub struct WorkerAnswerInput {
    /// The worker's UUID.
    pub worker_id: ID,
    /// The UUID of the request.
    pub request_id: ID,
    /// The secret of the request.
    pub secret: ID,
    /// What the worker found out.
    pub answer: WorkerFindingInput,
}

/// What a worker found out, by the kind of the request, or why it could not.
#[derive(OneofObject)]
pub enum WorkerFindingInput {
    /// To a `ListTopicsRequest`: the broker's topics, or a part of them.
    Topics(ListedTopicsInput),
    /// To a `BacklogRequest`: how many messages wait.
    Backlog(BacklogInput),
    /// To any request: why it could not be answered.
    Failed(String),
}

/// The topics of a broker, or a part of them.
#[derive(InputObject)]
pub struct ListedTopicsInput {
    /// The topics.
    pub topics: Vec<TopicInput>,
    /// Whether another part follows.
    #[graphql(default)]
    pub more: bool,
}

/// How many messages wait for a consumer group.
#[derive(InputObject)]
pub struct BacklogInput {
    /// Whether it has a position in any partition.
    pub has_position: bool,
    /// How many messages there are from its position, or from where it would begin.
    pub waiting: BigInt,
}

/// A topic that a broker has.
#[derive(InputObject)]
pub struct TopicInput {
    /// Its name.
    pub name: String,
    /// How many partitions it has, if the broker has partitions.
    pub partitions: Option<u32>,
}

/// Hands the answer to the request that waits for it. The answer is not recorded; what the request decides from it is.
pub(super) fn answer(ctx: &Context<'_>, input: WorkerAnswerInput) -> Result<WorkerPayload> {
    let uuid = |id: &ID| {
        id.parse()
            .map_err(|_| invalid("a request's id and secret must be UUIDs"))
    };
    let part = match input.answer {
        WorkerFindingInput::Topics(ListedTopicsInput { topics, more }) => Part::Topics {
            topics: topics.into_iter().filter_map(TopicInput::known).collect(),
            more,
        },
        WorkerFindingInput::Backlog(found) => Part::Backlog(Backlog {
            has_position: found.has_position,
            waiting: found.waiting.0,
        }),
        WorkerFindingInput::Failed(reason) => Part::Failed(reason),
    };
    let answer = Answer {
        worker: access::speaking_for(ctx, &input.worker_id)?,
        request: uuid(&input.request_id)?,
        secret: uuid(&input.secret)?,
        part,
    };
    if control(ctx).requests.answer(answer) {
        return Ok(WorkerPayload::unrecorded());
    }
    Ok(WorkerPayload::not_done(vec![UserError::new(
        UserErrorCode::NotFound,
        "this worker was not asked, or its answer came too late",
        &["input", "requestId"],
    )]))
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
