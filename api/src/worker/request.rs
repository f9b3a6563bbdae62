//! What workers are asked, a type for each kind of request.

use async_graphql::{ID, Interface, SimpleObject};
use domain::broker::BrokerSettings;
use domain::listener::ResetTarget;

use super::requests::{Asked, Request};
use crate::scalar::Json;

/// Something that a worker is asked to find out; it answers with `workerAnswer`. Kinds are added
/// over time: a worker answers `failed` to one that it does not know.
#[derive(Interface)]
#[graphql(
    field(name = "request_id", ty = "&ID", desc = "The UUID of the request."),
    // Named in full, since clippy takes a second `ty = "&ID"` for the same attribute.
    field(
        name = "secret",
        ty = "&async_graphql::ID",
        desc = "A secret that the answer must repeat."
    )
)]
pub enum WorkerRequest {
    ListTopics(ListTopicsRequest),
    Backlog(BacklogRequest),
}

/// Asks for the topics of a broker, which need not be connected. The answer is `topics`.
#[derive(SimpleObject)]
pub struct ListTopicsRequest {
    /// The UUID of the request.
    pub request_id: ID,
    /// A secret that the answer must repeat.
    pub secret: ID,
    /// How the broker is reached, in the form of the worker's protocol version.
    pub settings: Json<BrokerSettings>,
}

/// Asks how many messages wait for a consumer group: from its position or, if it has none, from
/// where it would begin. The answer is `backlog`.
#[derive(SimpleObject)]
pub struct BacklogRequest {
    /// The UUID of the request.
    pub request_id: ID,
    /// A secret that the answer must repeat.
    pub secret: ID,
    /// How the broker is reached, in the form of the worker's protocol version.
    pub settings: Json<BrokerSettings>,
    /// The topic's name.
    pub topic: String,
    /// The consumer group.
    pub group: String,
    /// Where it would begin, in the form of the worker's protocol version.
    pub start: Json<ResetTarget>,
    /// The number of the last reset of its position, or 0. What the group has committed under
    /// another one is not a position to go on from.
    pub reset: Json<u64>,
}

impl From<Request> for WorkerRequest {
    fn from(request: Request) -> Self {
        let request_id = ID(request.id.to_string());
        let secret = ID(request.secret.to_string());
        match request.asked {
            Asked::Topics(settings) => Self::ListTopics(ListTopicsRequest {
                request_id,
                secret,
                settings: Json(settings),
            }),
            Asked::Backlog(of) => Self::Backlog(BacklogRequest {
                request_id,
                secret,
                settings: Json(of.settings),
                topic: of.topic.to_string(),
                group: of.group.to_string(),
                start: Json(of.start),
                reset: Json(of.reset),
            }),
        }
    }
}
