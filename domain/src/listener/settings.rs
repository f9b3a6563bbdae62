//! How a listener behaves, with the bounds of each value.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::refusal::Refusal;

/// The settings of a listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerSettings {
    pub start: StartPosition,
    /// Calls in flight at once, per worker: 1 to 1,024.
    pub concurrency: u32,
    pub retry: RetryPolicy,
    /// What happens to a faulty message when there is no dead letter queue.
    pub faults: FaultPolicy,
    /// A larger body is faulty and never sent: 1 to 16 MiB.
    pub max_message_bytes: u64,
}

/// Where a listener begins when its group has no position on the broker yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StartPosition {
    /// With the oldest message that the broker still has.
    Earliest,
    /// With the first message after the consumer has started.
    Latest,
    /// With the first message of that time or later.
    Timestamp { time: Timestamp },
}

/// How often and how fast a retryable call is repeated: exponential, with full jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// Calls in all, the first among them: 1 to 100.
    pub max_attempts: u32,
    /// The longest wait before the second call: 1 ms to an hour.
    pub initial_backoff_ms: u64,
    /// The longest wait ever: up to a day.
    pub max_backoff_ms: u64,
}

/// What a listener without a dead letter queue does with a faulty message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FaultPolicy {
    /// Hold the position and tell people.
    Block,
    /// Record the decision `dropped` and go on.
    Drop,
}

impl ListenerSettings {
    /// The settings of somebody who chose nothing but where to start.
    #[must_use]
    pub fn starting(start: StartPosition) -> Self {
        Self {
            start,
            concurrency: 16,
            retry: RetryPolicy::default(),
            faults: FaultPolicy::Block,
            max_message_bytes: 1024 * 1024,
        }
    }

    /// Whether each value is within its bounds.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self) -> Result<(), Refusal> {
        let Self {
            concurrency, retry, ..
        } = self;
        within(
            "settings.concurrency",
            u64::from(*concurrency),
            1..=1024,
            "1 to 1024",
        )?;
        within(
            "settings.retry.maxAttempts",
            u64::from(retry.max_attempts),
            1..=100,
            "1 to 100",
        )?;
        within(
            "settings.retry.initialBackoffMs",
            retry.initial_backoff_ms,
            1..=3_600_000,
            "1 to 3600000",
        )?;
        within(
            "settings.retry.maxBackoffMs",
            retry.max_backoff_ms,
            retry.initial_backoff_ms..=86_400_000,
            "settings.retry.initialBackoffMs to 86400000",
        )?;
        within(
            "settings.maxMessageBytes",
            self.max_message_bytes,
            1..=16 * 1024 * 1024,
            "1 to 16777216",
        )
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 5,
            initial_backoff_ms: 500,
            max_backoff_ms: 60_000,
        }
    }
}

fn within(
    field: &'static str,
    value: u64,
    allowed: RangeInclusive<u64>,
    rule: &'static str,
) -> Result<(), Refusal> {
    if allowed.contains(&value) {
        Ok(())
    } else {
        Err(Refusal::OutOfRange { field, rule })
    }
}
