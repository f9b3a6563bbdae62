//! The settings of a listener, read and written.

use async_graphql::{Enum, InputObject, SimpleObject};
use domain::listener::{
    FaultPolicy as DomainFaults, ListenerSettings as DomainSettings, RetryPolicy as DomainRetry,
    StartPosition,
};

use crate::scalar::DateTime;
use crate::user_error::{UserError, UserErrorCode};

/// How a listener behaves.
#[derive(SimpleObject)]
pub struct ListenerSettings {
    pub start: ListenerStart,
    /// Calls in flight at once, per worker.
    pub concurrency: u32,
    pub retry: RetryPolicy,
    /// What happens to a faulty message when there is no dead letter queue.
    pub faults: FaultPolicy,
    /// A larger body is faulty and never sent.
    pub max_message_bytes: u64,
}

/// Where a listener begins when its group has no position on the broker yet.
#[derive(SimpleObject)]
pub struct ListenerStart {
    pub at: StartAt,
    /// For `TIMESTAMP`.
    pub time: Option<DateTime>,
}

/// How often and how fast a retryable call is repeated: exponential, with full jitter.
#[derive(SimpleObject)]
pub struct RetryPolicy {
    /// Calls in all, the first among them.
    pub max_attempts: u32,
    /// The longest wait before the second call.
    pub initial_backoff_ms: u64,
    /// The longest wait ever.
    pub max_backoff_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum StartAt {
    /// With the oldest message that the broker still has.
    Earliest,
    /// With the first message after the consumer has started.
    Latest,
    /// With the first message of a time or later.
    Timestamp,
}

/// What a listener without a dead letter queue does with a faulty message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "DomainFaults")]
pub enum FaultPolicy {
    /// Hold the position and tell people.
    Block,
    /// Record the decision `DROPPED` and go on.
    Drop,
}

/// Settings to choose; what is left out has its default.
#[derive(InputObject)]
pub struct ListenerSettingsInput {
    pub start: ListenerStartInput,
    /// 1 to 1,024; 16 unless chosen.
    pub concurrency: Option<u32>,
    pub retry: Option<RetryPolicyInput>,
    /// `BLOCK` unless chosen.
    pub faults: Option<FaultPolicy>,
    /// 1 to 16,777,216; 1,048,576 unless chosen.
    pub max_message_bytes: Option<u64>,
}

#[derive(InputObject)]
pub struct ListenerStartInput {
    pub at: StartAt,
    /// For `TIMESTAMP`, and only there.
    pub time: Option<DateTime>,
}

#[derive(InputObject)]
pub struct RetryPolicyInput {
    /// 1 to 100; 5 unless chosen.
    pub max_attempts: Option<u32>,
    /// 1 to 3,600,000; 500 unless chosen.
    pub initial_backoff_ms: Option<u64>,
    /// From `initialBackoffMs` to 86,400,000; 60,000 unless chosen.
    pub max_backoff_ms: Option<u64>,
}

impl ListenerSettingsInput {
    pub(crate) fn settings(&self) -> Result<DomainSettings, UserError> {
        let defaults = DomainSettings::starting(
            self.start
                .position(&["input", "settings", "start", "time"])?,
        );
        let retry = self.retry.as_ref();
        Ok(DomainSettings {
            concurrency: self.concurrency.unwrap_or(defaults.concurrency),
            retry: DomainRetry {
                max_attempts: retry
                    .and_then(|retry| retry.max_attempts)
                    .unwrap_or(defaults.retry.max_attempts),
                initial_backoff_ms: retry
                    .and_then(|retry| retry.initial_backoff_ms)
                    .unwrap_or(defaults.retry.initial_backoff_ms),
                max_backoff_ms: retry
                    .and_then(|retry| retry.max_backoff_ms)
                    .unwrap_or(defaults.retry.max_backoff_ms),
            },
            faults: self.faults.map_or(defaults.faults, Into::into),
            max_message_bytes: self.max_message_bytes.unwrap_or(defaults.max_message_bytes),
            ..defaults
        })
    }
}

impl ListenerStartInput {
    /// The position; `path` is where its time was asked for.
    pub(crate) fn position(&self, path: &[&str]) -> Result<StartPosition, UserError> {
        match (self.at, self.time) {
            (StartAt::Earliest, None) => Ok(StartPosition::Earliest),
            (StartAt::Latest, None) => Ok(StartPosition::Latest),
            (StartAt::Timestamp, Some(time)) => Ok(StartPosition::Timestamp { time: time.0 }),
            _ => Err(UserError::new(
                UserErrorCode::OutOfRange,
                "a time goes with TIMESTAMP, and only there",
                path,
            )),
        }
    }
}

impl From<DomainSettings> for ListenerSettings {
    fn from(settings: DomainSettings) -> Self {
        let (at, time) = match settings.start {
            StartPosition::Earliest => (StartAt::Earliest, None),
            StartPosition::Latest => (StartAt::Latest, None),
            StartPosition::Timestamp { time } => (StartAt::Timestamp, Some(DateTime(time))),
        };
        Self {
            start: ListenerStart { at, time },
            concurrency: settings.concurrency,
            retry: RetryPolicy {
                max_attempts: settings.retry.max_attempts,
                initial_backoff_ms: settings.retry.initial_backoff_ms,
                max_backoff_ms: settings.retry.max_backoff_ms,
            },
            faults: settings.faults.into(),
            max_message_bytes: settings.max_message_bytes,
        }
    }
}
