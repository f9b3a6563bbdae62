//! What happened to listeners and their dead letter queues.

use serde::{Deserialize, Serialize};

use super::ListenerSettings;
use crate::ids::{EventId, ListenerId};
use crate::name::TopicName;
use crate::version::VersionSelector;

/// A member enabled a listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerEnabled {
    #[serde(flatten)]
    pub listener: ListenerId,
    pub version: VersionSelector,
    pub settings: ListenerSettings,
    /// The event that a policy answered by this, where no person asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<EventId>,
}

/// The listener calls another version from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerVersionChanged {
    #[serde(flatten)]
    pub listener: ListenerId,
    pub version: VersionSelector,
}

/// The listener behaves otherwise from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerSettingsChanged {
    #[serde(flatten)]
    pub listener: ListenerId,
    /// All of them, the unchanged among them.
    pub settings: ListenerSettings,
}

/// The listener consumes nothing until it is resumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerPaused {
    #[serde(flatten)]
    pub listener: ListenerId,
}

/// The listener consumes again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerResumed {
    #[serde(flatten)]
    pub listener: ListenerId,
}

/// The listener stopped; its position on the broker stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerDisabled {
    #[serde(flatten)]
    pub listener: ListenerId,
    /// The event that a policy answered by this, where no person asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<EventId>,
}

/// Faulty messages go to this topic of the same broker from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DlqSet {
    #[serde(flatten)]
    pub listener: ListenerId,
    pub dlq: TopicName,
}

/// The listener has no dead letter queue any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DlqCleared {
    #[serde(flatten)]
    pub listener: ListenerId,
}
