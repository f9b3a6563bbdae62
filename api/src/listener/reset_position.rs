//! Resetting the position of a listener.

use async_graphql::{Enum, ID, InputObject, OneofObject};
use domain::listener::{PartitionOffset, ResetListenerPosition, ResetTarget};
use domain::{ListenerId, Position};

use super::mutation::ListenerPayload;
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Terms, arguments};
use crate::scalar::{BigInt, DateTime};
use crate::user_error::UserError;

/// Where a listener is to go on.
#[derive(InputObject)]
pub struct ListenerResetPositionInput {
    /// With which message it goes on.
    pub to: ListenerResetTargetInput,
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

/// With which message a listener goes on after a reset.
#[derive(OneofObject)]
pub enum ListenerResetTargetInput {
    /// At one of the topic's ends.
    End(TopicEnd),
    /// With the first message of that time or later.
    Time(DateTime),
    /// Each of these partitions at its offset, at least one and at most 1,000; the other partitions
    /// stay where they are. An offset whose message is no longer kept means the oldest message, one
    /// that does not exist yet the next message.
    Offsets(Vec<PartitionOffsetInput>),
}

/// An end of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum TopicEnd {
    /// The oldest message that the broker still has.
    Earliest,
    /// The first message that arrives after the reset has been applied.
    Latest,
}

/// A place in a topic.
#[derive(InputObject)]
pub struct PartitionOffsetInput {
    /// The number of the partition, from 0.
    pub partition: u32,
    /// The offset of the first message to read.
    pub offset: BigInt,
}

impl Mutation for ListenerResetPositionInput {
    type Id = ID;
    type Target = ListenerId;
    type Payload = ListenerPayload;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, id: &ID) -> Result<ListenerId, UserError> {
        arguments::id(id, id::listener)
    }

    async fn run(&self, call: &Call<'_>, listener: &ListenerId) -> Result<Position, NotDone> {
        let command = ResetListenerPosition {
            listener: listener.clone(),
            to: self.to.target(),
        };
        call.execute(&command).await
    }
}

impl ListenerResetTargetInput {
    pub(super) fn target(&self) -> ResetTarget {
        match self {
            Self::End(TopicEnd::Earliest) => ResetTarget::Earliest,
            Self::End(TopicEnd::Latest) => ResetTarget::Latest,
            Self::Time(time) => ResetTarget::Timestamp { time: time.0 },
            Self::Offsets(offsets) => {
                let offsets = offsets.iter().map(|at| PartitionOffset {
                    partition: at.partition,
                    offset: at.offset.0,
                });
                ResetTarget::Offsets {
                    offsets: offsets.collect(),
                }
            }
        }
    }
}
