//! What is taken, and what is known of it.

use std::fmt;
use std::sync::Arc;

use brokers::Fingerprint;
use domain::{AlgorithmId, RunId};
use uuid::Uuid;

use super::decision::Recorded;

/// What the owner of direct runs begins with.
pub(super) const DIRECT: &str = "direct:";

/// Names a listener in its journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListenerKey(pub(super) i64);

/// Names a run in its journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RunKey {
    pub(super) listener: ListenerKey,
    /// Rises with the claims.
    pub(super) run: i64,
}

/// Whose runs they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The listener with that consumer group.
    Listener(Uuid),
    /// The direct callers of an algorithm, who have counters and retention as a listener has.
    DirectCallers(AlgorithmId),
}

/// Where a message stands in its topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageId {
    pub partition: i32,
    pub offset: i64,
}

/// Something to take.
#[derive(Clone, Debug)]
pub struct Claim {
    pub listener: ListenerKey,
    pub taken: Taken,
    /// Whether a call follows at once; it is then counted with the claim, if what is taken is new.
    pub calls: bool,
}

/// What is taken.
#[derive(Clone, Debug)]
pub enum Taken {
    Message {
        /// The consumer group, the namespace of the run ids.
        group: Uuid,
        topic: Arc<str>,
        id: MessageId,
        fingerprint: Fingerprint,
    },
    /// The call of a direct caller.
    Direct(RunId),
}

/// What is known of something that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    pub run: RunKey,
    /// The same for every delivery of a message to a listener, and another one for a message that
    /// has taken its place.
    pub run_id: RunId,
    /// Calls counted so far. For a new message the one that the claim announced is among them.
    pub attempts: u32,
    /// How often the message was taken without a decision, this time included. 1: it is new.
    pub claims: u32,
    pub decision: Option<Box<Recorded>>,
}

impl RunKey {
    /// The run's number in its journal; rises with the claims.
    pub(crate) fn number(self) -> i64 {
        self.run
    }
}

#[cfg(test)]
impl RunKey {
    /// Some run of some listener.
    pub(crate) fn sample() -> Self {
        Self {
            listener: ListenerKey(1),
            run: 1,
        }
    }
}

impl MessageId {
    /// The run of the message at that place of a topic, in one life of it.
    pub(super) fn run_id(self, group: Uuid, topic: &str, incarnation: u32) -> RunId {
        let Self { partition, offset } = self;
        let name = format!("{topic}/{incarnation}/{partition}/{offset}");
        RunId(Uuid::new_v5(&group, name.as_bytes()))
    }
}

/// As stored: a bare UUID is a consumer group.
impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listener(group) => group.fmt(f),
            Self::DirectCallers(algorithm) => write!(f, "{DIRECT}{algorithm}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_one_run_for_each_listener() {
        let run_id = |group, offset, incarnation| {
            let id = MessageId {
                partition: 1,
                offset,
            };
            id.run_id(Uuid::from_u128(group), "orders", incarnation)
        };
        assert_eq!(run_id(1, 7, 0), run_id(1, 7, 0));
        for other in [run_id(1, 8, 0), run_id(2, 7, 0), run_id(1, 7, 1)] {
            assert_ne!(run_id(1, 7, 0), other);
        }
    }
}
