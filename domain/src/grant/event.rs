//! What happened to grants.

use serde::{Deserialize, Serialize};

use super::Access;
use crate::ids::{AlgorithmId, EventId, TopicId};

/// An administrator permitted an algorithm to read or write a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicGranted {
    #[serde(flatten)]
    pub topic: TopicId,
    pub algorithm: AlgorithmId,
    pub access: Access,
}

/// The permission ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicRevoked {
    #[serde(flatten)]
    pub topic: TopicId,
    pub algorithm: AlgorithmId,
    pub access: Access,
    /// The event that a policy answered by this, where no person asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<EventId>,
}
