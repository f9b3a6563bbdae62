//! Resetting the position of a listener: it reads messages again, or leaves some out.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ListenerPositionReset, StartPosition};
use crate::authority::Right;
use crate::broker::Broker;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::ids::ListenerId;
use crate::refusal::Refusal;
use crate::topic::Topic;

/// The most partitions that are named one by one.
const MOST_PARTITIONS: usize = 1000;

const OFFSETS: &str = "to.offsets";

/// Where a listener goes on after a reset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ResetTarget {
    /// With the oldest message that the broker still has.
    Earliest,
    /// With the first message after the reset has been applied.
    Latest,
    /// With the first message of that time or later.
    Timestamp { time: Timestamp },
    /// Each of these partitions at its offset; the others stay where they are.
    Offsets { offsets: Vec<PartitionOffset> },
}

/// A place in a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionOffset {
    pub partition: u32,
    pub offset: u64,
}

/// Go on elsewhere in the topic. What is read again is another run of its message. A paused listener
/// goes on there once it is resumed.
#[derive(Clone, Debug)]
pub struct ResetListenerPosition {
    pub listener: ListenerId,
    pub to: ResetTarget,
}

impl Command for ResetListenerPosition {
    type State = (Topic, Broker);

    fn stream(&self) -> StreamName {
        StreamName::topic(&self.listener.topic)
    }

    fn also_reads(&self) -> Vec<StreamName> {
        vec![StreamName::broker(self.listener.topic.broker)]
    }

    fn requires(&self) -> Right {
        Right::Develop(self.listener.algorithm.organization.clone())
    }

    /// A reset to where the last one led is another one.
    fn decide(&self, (topic, broker): &Self::State, _ctx: Ctx) -> Decided {
        topic.listener(&self.listener.algorithm)?;
        broker.check_keeps_positions()?;
        self.to.check()?;
        Ok(vec![
            ListenerPositionReset {
                listener: self.listener.clone(),
                to: self.to.clone(),
            }
            .into(),
        ])
    }
}

impl ResetTarget {
    /// Whether there can be such a place.
    ///
    /// # Errors
    /// No partition is named, too many are, or one of them twice, or an offset is too large.
    pub fn check(&self) -> Result<(), Refusal> {
        let Self::Offsets { offsets } = self else {
            return Ok(());
        };
        let most = MOST_PARTITIONS as u64;
        Refusal::unless_within(OFFSETS, offsets.len() as u64, 1..=most)?;
        // What a broker counts by is signed.
        let counted = |at: &PartitionOffset| {
            i32::try_from(at.partition).is_ok() && i64::try_from(at.offset).is_ok()
        };
        let partitions: BTreeSet<_> = offsets.iter().map(|at| at.partition).collect();
        if partitions.len() < offsets.len() || !offsets.iter().all(counted) {
            return Err(Refusal::OutOfRange {
                field: OFFSETS,
                rule: "partitions of the topic, each of them once, with offsets that Kafka can have",
            });
        }
        Ok(())
    }
}

/// To where it was told to start.
impl From<StartPosition> for ResetTarget {
    fn from(start: StartPosition) -> Self {
        match start {
            StartPosition::Earliest => Self::Earliest,
            StartPosition::Latest => Self::Latest,
            StartPosition::Timestamp { time } => Self::Timestamp { time },
        }
    }
}

/// Where to, at the end of a sentence.
impl fmt::Display for ResetTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Earliest => f.write_str("the oldest message"),
            Self::Latest => f.write_str("the end of the topic"),
            Self::Timestamp { time } => write!(f, "the messages since {time}"),
            Self::Offsets { offsets } => match offsets.as_slice() {
                [PartitionOffset { partition, offset }] => {
                    write!(f, "offset {offset} of partition {partition}")
                }
                offsets => write!(f, "offsets of {} partitions", offsets.len()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::BrokerKind;
    use crate::testing::{
        given, listener_disabled, listener_enabled, listener_id, listener_paused, position_reset,
        queues_connected,
    };

    fn reset(to: ResetTarget) -> ResetListenerPosition {
        ResetListenerPosition {
            listener: listener_id("orders"),
            to,
        }
    }

    fn at(partition: u32, offset: u64) -> PartitionOffset {
        PartitionOffset { partition, offset }
    }

    fn offsets(offsets: impl Into<Vec<PartitionOffset>>) -> ResetTarget {
        ResetTarget::Offsets {
            offsets: offsets.into(),
        }
    }

    #[test]
    fn an_enabled_listener_is_reset_and_so_is_a_paused_one() {
        let time = Timestamp::UNIX_EPOCH;
        for to in [
            ResetTarget::Earliest,
            ResetTarget::Latest,
            ResetTarget::Timestamp { time },
            offsets([at(0, 7), at(3, 0)]),
        ] {
            given([listener_enabled("orders", "1.0.0")])
                .when(reset(to.clone()))
                .then([position_reset("orders", to.clone())]);
            given([
                listener_enabled("orders", "1.0.0"),
                listener_paused("orders"),
            ])
            .when(reset(to.clone()))
            .then([position_reset("orders", to)]);
        }
    }

    #[test]
    fn the_same_reset_again_is_another_one() {
        given([
            listener_enabled("orders", "1.0.0"),
            position_reset("orders", ResetTarget::Earliest),
        ])
        .when(reset(ResetTarget::Earliest))
        .then([position_reset("orders", ResetTarget::Earliest)]);
    }

    #[test]
    fn a_disabled_listener_is_refused() {
        given([
            listener_enabled("orders", "1.0.0"),
            listener_disabled("orders"),
        ])
        .when(reset(ResetTarget::Earliest))
        .then_refused(Refusal::ListenerNotEnabled);
    }

    #[test]
    fn a_partition_is_named_once_and_not_too_many_are() {
        let twice = offsets([at(1, 7), at(1, 8)]);
        let beyond = offsets([at(0, u64::MAX)]);
        for to in [twice, beyond] {
            given([listener_enabled("orders", "1.0.0")])
                .when(reset(to))
                .then_refused(Refusal::OutOfRange {
                    field: OFFSETS,
                    rule: "partitions of the topic, each of them once, with offsets that Kafka can \
                           have",
                });
        }
        let many: Vec<_> = (0..1001).map(|partition| at(partition, 0)).collect();
        for to in [offsets([]), offsets(many)] {
            given([listener_enabled("orders", "1.0.0")])
                .when(reset(to))
                .then_refused(Refusal::OutOfBounds {
                    field: OFFSETS,
                    min: 1,
                    max: 1000,
                });
        }
    }

    #[test]
    fn a_broker_without_positions_has_none_to_reset() {
        given([
            queues_connected("main"),
            listener_enabled("orders", "1.0.0"),
        ])
        .when(reset(ResetTarget::Earliest))
        .then_refused(Refusal::NoPosition(BrokerKind::Sqs));
    }
}
