//! Assignments: what a worker needs to serve a listener. Read tables hold them and workers receive
//! them in the same serialised form.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::envelope::Position;
use crate::ids::{ListenerId, TopicId};
use crate::listener::{ListenerSettings, ResetTarget};
use crate::name::TopicName;
use crate::run::CalledVersion;

/// A listener as a worker serves it. Brokers are named by their ids: how they are reached is sent
/// beside the assignments, once for all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    pub listener: ListenerId,
    /// The position of the event that last changed the listener itself.
    pub revision: Position,
    /// The consumer group, the same for the whole life of the listener; the namespace of its runs.
    pub group: Uuid,
    /// On the broker of the listener's topic.
    pub dlq: Option<TopicName>,
    /// Whether no grant permits the algorithm to send faulty messages to `dlq`: the listener holds its
    /// position until one does.
    pub dlq_not_granted: bool,
    /// What the version selector resolves to now; none where nothing matches.
    pub version: Option<CalledVersion>,
    pub settings: ListenerSettings,
    /// The last reset of its position, if there was one.
    pub reset: Option<PositionReset>,
    /// Where results of that version go.
    pub outputs: Outputs,
}

/// Where a listener was told to go on. A worker does so once, and then goes on from its position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PositionReset {
    /// The event that says so: a later reset takes the place of an earlier one.
    pub at: Position,
    pub to: ResetTarget,
}

/// Where the results of a version go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outputs {
    /// To the topic of each publisher that takes them.
    Known(Vec<TopicId>),
    /// The same, while a publisher among them is being moved to the broker that replaces its own:
    /// nothing can be published there before it is.
    Moving(Vec<TopicId>),
}

impl Assignment {
    /// The dead letter queue that faulty messages may be sent to, if there is one.
    #[must_use]
    pub fn permitted_dlq(&self) -> Option<&TopicName> {
        self.dlq.as_ref().filter(|_| !self.dlq_not_granted)
    }
}

impl Outputs {
    /// The topics, where they can be published to.
    #[must_use]
    pub fn known(&self) -> Option<&[TopicId]> {
        match self {
            Self::Known(topics) => Some(topics),
            Self::Moving(_) => None,
        }
    }

    /// The topics that a result which is decided now is for.
    #[must_use]
    pub fn decided(&self) -> &[TopicId] {
        match self {
            Self::Known(topics) | Self::Moving(topics) => topics,
        }
    }
}
