//! The rules of a run: what an endpoint's answer means, when to try again, what a decision is.

mod answer;
mod expression;
mod fingerprint;

use std::str::FromStr;
use std::time::Duration;

use serde::de::{IntoDeserializer, value};
use serde::{Deserialize, Serialize};

use crate::listener::RetryPolicy;

pub use self::answer::{Answer, Verdict, judge};
pub use self::expression::Expression;
pub use self::fingerprint::{FailureFingerprint, NoFingerprint};

/// The recorded end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Decision {
    Succeeded,
    DeadLettered,
    Filtered,
    Dropped,
}

impl Decision {
    /// As stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "SUCCEEDED",
            Self::DeadLettered => "DEAD_LETTERED",
            Self::Filtered => "FILTERED",
            Self::Dropped => "DROPPED",
        }
    }
}

/// Why a message was dead-lettered or dropped, or a listener blocked; a stable code for
/// machines. The text for people is with the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The endpoint refused the message: a 4xx, or an error type that says so.
    Refused,
    /// The endpoint answered something that the protocol cannot read.
    UndecodableAnswer,
    /// The endpoint's answer was over the size limit.
    AnswerTooLarge,
    /// The message exceeds the listener's size limit and was never sent.
    MessageTooLarge,
    /// The listener's filter failed for the message.
    FilterFailed,
    /// What is to be sent to the endpoint could not be made of the message.
    RequestTransformFailed,
    /// What is to be published could not be made of the endpoint's answer.
    ResultTransformFailed,
    /// All attempts were used up.
    AttemptsExhausted,
    /// It failed for longer than the listener calls a message again.
    TooOld,
    /// The endpoint does not accept our credentials.
    NotAuthorized,
    /// The endpoint fails for every message.
    EndpointUnavailable,
    /// The endpoint answers every message with a redirect, or that there is nothing to call.
    WrongEndpoint,
    /// The quota of the endpoint's account is used up, and comes back only if somebody sees to it.
    QuotaExhausted,
    /// A faulty message, and nowhere to put it.
    NoDlq,
    /// The algorithm is not permitted to send faulty messages to its dead letter queue.
    DlqNotGranted,
    /// The dead letter queue or a publisher's topic does not take messages.
    TopicUnavailable,
    /// No published version matches the selector any more.
    NoVersion,
    /// The worker ended before the run of a direct caller did; there is nobody to ask again.
    Interrupted,
}

impl Reason {
    /// As stored, shown and sent in headers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::UndecodableAnswer => "undecodable_answer",
            Self::AnswerTooLarge => "answer_too_large",
            Self::MessageTooLarge => "message_too_large",
            Self::FilterFailed => "filter_failed",
            Self::RequestTransformFailed => "request_transform_failed",
            Self::ResultTransformFailed => "result_transform_failed",
            Self::AttemptsExhausted => "attempts_exhausted",
            Self::TooOld => "too_old",
            Self::NotAuthorized => "not_authorized",
            Self::EndpointUnavailable => "endpoint_unavailable",
            Self::WrongEndpoint => "wrong_endpoint",
            Self::QuotaExhausted => "quota_exhausted",
            Self::NoDlq => "no_dlq",
            Self::DlqNotGranted => "dlq_not_granted",
            Self::TopicUnavailable => "topic_unavailable",
            Self::NoVersion => "no_version",
            Self::Interrupted => "interrupted",
        }
    }
}

impl FromStr for Decision {
    type Err = UnknownCode;

    fn from_str(code: &str) -> Result<Self, UnknownCode> {
        let read = Self::deserialize(code.into_deserializer());
        read.map_err(|_: value::Error| UnknownCode(code.to_owned()))
    }
}

impl FromStr for Reason {
    type Err = UnknownCode;

    fn from_str(code: &str) -> Result<Self, UnknownCode> {
        let read = Self::deserialize(code.into_deserializer());
        read.map_err(|_: value::Error| UnknownCode(code.to_owned()))
    }
}

/// A code that is not among the known ones.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the code {0:?} is unknown")]
pub struct UnknownCode(pub(crate) String);

/// The wait after `attempt` failed calls: exponential with full jitter, `unit` being a random
/// number in 0..1. `Retry-After` is honoured up to the policy's longest wait.
#[must_use]
pub fn backoff(
    policy: RetryPolicy,
    attempt: u32,
    retry_after: Option<Duration>,
    unit: f64,
) -> Duration {
    let longest = Duration::from_millis(policy.max_backoff_ms);
    let doublings = attempt.saturating_sub(1).min(63);
    let ceiling = policy
        .initial_backoff_ms
        .saturating_mul(1_u64 << doublings)
        .min(policy.max_backoff_ms);
    let jittered = Duration::from_millis(ceiling).mul_f64(unit.clamp(0.0, 1.0));
    retry_after.map_or(jittered, |asked| asked.min(longest).max(jittered))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn retry_after_is_honoured_up_to_the_longest_wait() {
        let policy = RetryPolicy::default();
        let asked = |seconds| backoff(policy, 1, Some(Duration::from_secs(seconds)), 0.0);
        assert_eq!(asked(7), Duration::from_secs(7));
        assert_eq!(asked(86_400), Duration::from_secs(60));
    }

    proptest! {
        #[test]
        fn a_wait_is_never_longer_than_the_policy_allows(
            initial in 1_u64..3_600_000,
            more in 0_u64..86_400_000,
            attempt in 0_u32..u32::MAX,
            asked in proptest::option::of(0_u64..1_000_000),
            unit in 0.0_f64..1.0,
        ) {
            let policy = RetryPolicy {
                max_attempts: 5,
                initial_backoff_ms: initial,
                max_backoff_ms: initial + more,
                max_age_ms: None,
            };
            let wait = backoff(policy, attempt, asked.map(Duration::from_secs), unit);
            prop_assert!(wait <= Duration::from_millis(initial + more));
        }
    }
}
