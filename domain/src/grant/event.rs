//! What happened to grants.

use serde::{Deserialize, Serialize};

use super::Permission;
use crate::ids::{BrokerId, EventId, TopicId};
use crate::pattern::TopicPattern;

/// An administrator permitted an algorithm, or all of an organization, to read or write a topic.
///
/// Version 1 knew single algorithms only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicGranted {
    #[serde(flatten)]
    pub topic: TopicId,
    #[serde(flatten)]
    pub permission: Permission,
    /// The event that a policy answered by this, where no person asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<EventId>,
}

/// The permission ended.
///
/// Version 1 knew single algorithms only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicRevoked {
    #[serde(flatten)]
    pub topic: TopicId,
    #[serde(flatten)]
    pub permission: Permission,
    /// The event that a policy answered by this, where no person asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<EventId>,
}

/// An administrator gave a permission on every topic of a broker that the pattern covers,
/// those among them that are discovered later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicPatternGranted {
    pub broker: BrokerId,
    pub pattern: TopicPattern,
    #[serde(flatten)]
    pub permission: Permission,
    /// The event that a policy answered by this, where no person asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<EventId>,
}

/// The permission ended on every topic that nothing else permits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicPatternRevoked {
    pub broker: BrokerId,
    pub pattern: TopicPattern,
    #[serde(flatten)]
    pub permission: Permission,
    /// The event that a policy answered by this, where no person asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<EventId>,
}
