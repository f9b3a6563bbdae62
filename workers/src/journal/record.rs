//! What is taken, and what is known of it.

use std::sync::Arc;

use brokers::Fingerprint;
use domain::RunId;
use domain::run::{CorrelationId, Owner, Place, RunMessage};
use jiff::Timestamp;
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
        upstream: Upstream,
    },
    /// The call of a direct caller.
    Direct(RunId),
}

/// What a message says of where it comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Upstream {
    /// The trace id that it brings.
    pub correlation: Option<CorrelationId>,
    /// The run whose output or dead letter it is.
    pub parent: Option<RunId>,
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

/// The workflow of a message that brings no trace id.
pub(crate) fn correlation_of(
    topic: &str,
    id: MessageId,
    sent_at_ms: Option<i64>,
    digest: &[u8],
) -> CorrelationId {
    let sent_at = sent_at_ms.unwrap_or_default().to_be_bytes();
    CorrelationId::of_place(place(topic, id), &[&sent_at, digest])
}

/// The workflow of a direct run, which stands at its number.
pub(crate) fn correlation_of_direct(algorithm: &str, number: i64, id: RunId) -> CorrelationId {
    let standing = MessageId {
        partition: 0,
        offset: number,
    };
    CorrelationId::of_place(place(algorithm, standing), &[id.0.as_bytes()])
}

/// Where a run stands, as stored.
pub(super) struct Origin {
    pub(super) topic: String,
    pub(super) id: MessageId,
    pub(super) sent_at: Option<i64>,
    pub(super) digest: Option<Vec<u8>>,
}

impl Origin {
    /// The message of a run, if it has one, and its workflow, if it brings none.
    pub(super) fn read(
        self,
        owner: &Owner,
        number: i64,
        run: RunId,
    ) -> (Option<RunMessage>, CorrelationId) {
        let Self {
            topic,
            id,
            sent_at,
            digest,
        } = self;
        if let Owner::DirectCallers(_) = owner {
            return (None, correlation_of_direct(&topic, number, run));
        }
        let made = correlation_of(&topic, id, sent_at, &digest.unwrap_or_default());
        let message = RunMessage {
            topic,
            partition: id.partition,
            offset: id.offset,
            sent_at: sent_at.and_then(|time| Timestamp::from_millisecond(time).ok()),
        };
        (Some(message), made)
    }
}

fn place(topic: &str, id: MessageId) -> Place<'_> {
    Place {
        topic,
        partition: id.partition,
        offset: id.offset,
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
