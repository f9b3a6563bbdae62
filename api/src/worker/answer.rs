//! A worker's answer to a request of the control plane.

use async_graphql::{Context, ID, InputObject, Result};
use domain::broker::DiscoveredTopic;

use super::mutation::WorkerPayload;
use crate::control::control;
use crate::error::invalid;
use crate::mutation::Payload;
use crate::user_error::{UserError, UserErrorCode};

/// An answer to a `WorkerRequest`: either topics or an error.
#[derive(InputObject)]
pub struct WorkerAnswerInput {
    /// The UUID of the request.
    pub request_id: ID,
    /// The broker's topics.
    pub topics: Option<Vec<TopicInput>>,
    /// Why there are none.
    pub error: Option<String>,
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
        return Ok(WorkerPayload::unrecorded());
    }
    Ok(WorkerPayload::refused(UserError::new(
        UserErrorCode::NotFound,
        "nothing waits for this answer any more",
        &["input", "requestId"],
    )))
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
