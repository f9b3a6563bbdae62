//! What consumers are doing, as their workers last said: observed, not recorded in the log.

use std::str::FromStr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::de::{IntoDeserializer, value};
use serde::{Deserialize, Serialize};

use crate::ids::WorkerId;
use crate::settlement::UnknownCode;

/// Without a word from its worker for as long, nobody knows what a consumer is doing.
pub const STALE_AFTER: SignedDuration = SignedDuration::from_secs(30);

/// What one consumer of a listener is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerStatus {
    pub worker: WorkerId,
    pub state: ConsumerState,
    /// Why it is in this state, where there is something to say.
    pub reason: Option<String>,
    /// When it entered this state.
    pub since: Timestamp,
    /// The partitions that it reads; none if others have all of them.
    pub partitions: u32,
    /// None where it is not known.
    pub lag: Option<Lag>,
    /// When its worker last said so.
    pub updated_at: Timestamp,
    /// Whether that was so long ago that the worker may be gone.
    pub is_stale: bool,
}

/// Whether a consumer consumes, and why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConsumerState {
    /// It waits for its consumer group to give it partitions.
    Joining,
    /// It reads the partitions that it was given.
    Assigned,
    /// It has read all that it can: what is left waits for the end of a transaction.
    TransactionOpen,
    /// It holds its position.
    Blocked,
    /// The broker does not answer.
    Unreachable,
    /// The broker has no such topic.
    TopicMissing,
    /// It ended by itself and will be started again.
    Failed,
}

/// How far a consumer, or all consumers of a listener together, are behind the end of their topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// The messages that have no decision. Kafka counts those that were deleted in between, too.
    pub messages: u64,
    /// When the oldest of them was sent that was received, as its broker says.
    pub oldest_at: Option<Timestamp>,
    pub measured_at: Timestamp,
}

impl Lag {
    /// How old the oldest message was when it was measured: zero where there is none, and nothing
    /// where none was received.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        if self.messages == 0 {
            return Some(Duration::ZERO);
        }
        let age = self.measured_at.duration_since(self.oldest_at?);
        Some(Duration::try_from(age).unwrap_or_default())
    }

    /// That of all consumers together that are not stale; nothing where that of one is not known.
    #[must_use]
    pub fn of_live(statuses: &[ConsumerStatus]) -> Option<Self> {
        let live = statuses.iter().filter(|status| !status.is_stale);
        let lags = live.map(|status| status.lag).collect::<Option<Vec<_>>>()?;
        lags.into_iter().reduce(|all, lag| Self {
            messages: all.messages.saturating_add(lag.messages),
            oldest_at: all.oldest_at.into_iter().chain(lag.oldest_at).min(),
            measured_at: all.measured_at.min(lag.measured_at),
        })
    }
}

impl ConsumerState {
    /// Its code.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Joining => "JOINING",
            Self::Assigned => "ASSIGNED",
            Self::TransactionOpen => "TRANSACTION_OPEN",
            Self::Blocked => "BLOCKED",
            Self::Unreachable => "UNREACHABLE",
            Self::TopicMissing => "TOPIC_MISSING",
            Self::Failed => "FAILED",
        }
    }
}

impl FromStr for ConsumerState {
    type Err = UnknownCode;

    fn from_str(code: &str) -> Result<Self, UnknownCode> {
        let read = Self::deserialize(code.into_deserializer());
        read.map_err(|_: value::Error| UnknownCode(code.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::WORKER;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn behind(messages: u64, oldest_at: Option<i64>, measured_at: i64) -> ConsumerStatus {
        ConsumerStatus {
            worker: WORKER,
            state: ConsumerState::Assigned,
            reason: None,
            since: at(0),
            partitions: 1,
            lag: Some(Lag {
                messages,
                oldest_at: oldest_at.map(at),
                measured_at: at(measured_at),
            }),
            updated_at: at(100),
            is_stale: false,
        }
    }

    #[test]
    fn a_lag_is_as_old_as_the_oldest_message_of_all_live_consumers() {
        let stale = ConsumerStatus {
            is_stale: true,
            ..behind(1000, Some(1), 2)
        };
        let consumers = [
            behind(2, Some(40), 99),
            behind(3, Some(30), 90),
            behind(0, None, 95),
            stale,
        ];
        let lag = Lag::of_live(&consumers).unwrap();
        let expected = Lag {
            messages: 5,
            oldest_at: Some(at(30)),
            measured_at: at(90),
        };
        assert_eq!(lag, expected);
        assert_eq!(lag.age(), Some(Duration::from_secs(60)));
    }

    #[test]
    fn a_lag_is_known_if_that_of_all_live_consumers_is() {
        let unknown = ConsumerStatus {
            lag: None,
            ..behind(0, None, 0)
        };
        assert_eq!(Lag::of_live(&[behind(2, None, 9), unknown]), None);
        assert_eq!(Lag::of_live(&[]), None);
    }

    #[test]
    fn no_message_is_no_age_and_one_that_was_not_received_has_none() {
        let age = |messages| Lag::of_live(&[behind(messages, None, 9)]).unwrap().age();
        assert_eq!(age(0), Some(Duration::ZERO));
        assert_eq!(age(1), None);
    }

    #[test]
    fn a_state_is_read_from_its_code() {
        for state in [
            ConsumerState::Joining,
            ConsumerState::Assigned,
            ConsumerState::TransactionOpen,
            ConsumerState::Blocked,
            ConsumerState::Unreachable,
            ConsumerState::TopicMissing,
            ConsumerState::Failed,
        ] {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
    }
}
