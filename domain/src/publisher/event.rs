//! What happened to publishers.

use serde::{Deserialize, Serialize};

use crate::ids::{EventId, PublisherId};
use crate::version::VersionSelector;

/// A member enabled a publisher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublisherEnabled {
    #[serde(flatten)]
    pub publisher: PublisherId,
    /// Results of runs of a version that it picks are published.
    pub version: VersionSelector,
    /// The event that a policy answered by this, where no person asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<EventId>,
}

/// The publisher takes the results of another version from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublisherVersionChanged {
    #[serde(flatten)]
    pub publisher: PublisherId,
    pub version: VersionSelector,
}

/// The publisher stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublisherDisabled {
    #[serde(flatten)]
    pub publisher: PublisherId,
    /// The event that a policy answered by this, where no person asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<EventId>,
}
