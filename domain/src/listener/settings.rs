//! How a listener behaves, with the bounds of each value.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::batching::{BatchPatch, BatchPolicy};
use super::sampling::{SamplingPatch, SamplingPolicy};
use crate::refusal::Refusal;

/// The settings of a listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerSettings {
    /// None where the broker keeps no positions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<StartPosition>,
    /// Calls in flight at once, per worker: 1 to 1,024.
    pub concurrency: u32,
    #[serde(default, skip_serializing_if = "MessageOrdering::is_none")]
    pub ordering: MessageOrdering,
    pub retry: RetryPolicy,
    /// What happens to a faulty message when there is no dead letter queue.
    pub faults: FaultPolicy,
    #[serde(default, skip_serializing_if = "TombstonePolicy::is_send")]
    pub tombstones: TombstonePolicy,
    /// A larger body is faulty and never sent: 1 to 16 MiB.
    pub max_message_bytes: u64,
    /// In CEL: whether a message is sent at all. None lets every message pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    #[serde(default, skip_serializing_if = "Transform::is_none")]
    pub transform: Transform,
    /// What is kept of runs, to be looked at.
    #[serde(default, skip_serializing_if = "SamplingPolicy::is_default")]
    pub sampling: SamplingPolicy,
    /// None has each message called by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchPolicy>,
}

/// What is sent in place of a message, and published in place of an answer; both in CEL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transform {
    /// None sends the message's bytes as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// None publishes the answer's bytes as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
}

/// Where a listener begins if it has no position.
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

/// Which messages of a listener are handled one after the other. Of those, one has ended, and what
/// it has to publish is published, before the next is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MessageOrdering {
    /// None of them.
    #[default]
    None,
    /// Those of a partition.
    Partition,
    /// Those of a partition that have the same key; none of those without a key.
    Key,
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
    /// For how long a message is called again after its first failure: 1 ms to 14 days. Time in
    /// which its listener is held does not count. None sets no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age_ms: Option<u64>,
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

/// What a listener does with a message without a body, which deletes its key on a compacted topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TombstonePolicy {
    /// Send it, with an empty body.
    #[default]
    Send,
    /// Leave it out, as the filter does.
    Skip,
}

/// The longest expression, in bytes.
const LONGEST_EXPRESSION: usize = 4096;

/// The settings that somebody changes; the others stay. Where a listener starts is not among them:
/// it has started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsPatch {
    pub concurrency: Option<u32>,
    pub ordering: Option<MessageOrdering>,
    pub retry: RetryPatch,
    pub faults: Option<FaultPolicy>,
    pub tombstones: Option<TombstonePolicy>,
    pub max_message_bytes: Option<u64>,
    /// Of an expression, `Some(None)` removes it.
    pub filter: Option<Option<String>>,
    pub transform: TransformPatch,
    pub sampling: SamplingPatch,
    /// `Some(None)` has each message called by itself.
    pub batch: Option<Option<BatchPatch>>,
}

/// What somebody changes of the transforms; the rest stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransformPatch {
    pub request: Option<Option<String>>,
    pub result: Option<Option<String>>,
}

/// What somebody changes of how calls are repeated; the rest stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetryPatch {
    pub max_attempts: Option<u32>,
    pub initial_backoff_ms: Option<u64>,
    pub max_backoff_ms: Option<u64>,
    /// `Some(None)` removes it.
    pub max_age_ms: Option<Option<u64>>,
}

impl ListenerSettings {
    /// The settings of somebody who chose nothing but where to start.
    #[must_use]
    pub fn starting(start: impl Into<Option<StartPosition>>) -> Self {
        Self {
            start: start.into(),
            concurrency: 16,
            ordering: MessageOrdering::None,
            retry: RetryPolicy::default(),
            faults: FaultPolicy::Block,
            tombstones: TombstonePolicy::Send,
            max_message_bytes: 1024 * 1024,
            filter: None,
            transform: Transform::default(),
            sampling: SamplingPolicy::default(),
            batch: None,
        }
    }

    /// How many messages each worker may have in calls at once.
    #[must_use]
    pub fn most_called(&self) -> u32 {
        let count = self.batch.map_or(1, |batch| batch.count);
        self.concurrency.saturating_mul(count)
    }

    /// Whether each value is within its bounds.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self) -> Result<(), Refusal> {
        let Self {
            concurrency, retry, ..
        } = self;
        let within = Refusal::unless_within;
        within("settings.concurrency", u64::from(*concurrency), 1..=1024)?;
        within(
            "settings.retry.maxAttempts",
            u64::from(retry.max_attempts),
            1..=100,
        )?;
        within(
            "settings.retry.initialBackoffMs",
            retry.initial_backoff_ms,
            1..=3_600_000,
        )?;
        within(
            "settings.retry.maxBackoffMs",
            retry.max_backoff_ms,
            retry.initial_backoff_ms..=86_400_000,
        )?;
        if let Some(age) = retry.max_age_ms {
            within("settings.retry.maxAgeMs", age, 1..=1_209_600_000)?;
        }
        within(
            "settings.maxMessageBytes",
            self.max_message_bytes,
            1..=16 * 1024 * 1024,
        )?;
        let Transform { request, result } = &self.transform;
        unless_long("settings.filter", self.filter.as_deref())?;
        unless_long("settings.transform.request", request.as_deref())?;
        unless_long("settings.transform.result", result.as_deref())?;
        self.sampling.check()?;
        match self.batch {
            Some(batch) => batch.check(*concurrency, self.ordering),
            None => Ok(()),
        }
    }
}

/// Refuses an expression that is longer than one may be. Whether it is one at all, is for those to
/// say who read it.
fn unless_long(field: &'static str, expression: Option<&str>) -> Result<(), Refusal> {
    let bytes = expression.map_or(0, str::len);
    if bytes > LONGEST_EXPRESSION {
        return Err(Refusal::TooLarge {
            field,
            bytes,
            most: LONGEST_EXPRESSION,
        });
    }
    Ok(())
}

impl MessageOrdering {
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }
}

impl TombstonePolicy {
    #[must_use]
    pub fn is_send(&self) -> bool {
        *self == Self::Send
    }
}

impl Transform {
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl SettingsPatch {
    /// `present` with what the patch changes.
    pub(super) fn changed(&self, present: &ListenerSettings) -> ListenerSettings {
        let retry = present.retry;
        ListenerSettings {
            start: present.start,
            concurrency: self.concurrency.unwrap_or(present.concurrency),
            ordering: self.ordering.unwrap_or(present.ordering),
            retry: RetryPolicy {
                max_attempts: self.retry.max_attempts.unwrap_or(retry.max_attempts),
                initial_backoff_ms: self
                    .retry
                    .initial_backoff_ms
                    .unwrap_or(retry.initial_backoff_ms),
                max_backoff_ms: self.retry.max_backoff_ms.unwrap_or(retry.max_backoff_ms),
                max_age_ms: self.retry.max_age_ms.unwrap_or(retry.max_age_ms),
            },
            faults: self.faults.unwrap_or(present.faults),
            tombstones: self.tombstones.unwrap_or(present.tombstones),
            max_message_bytes: self.max_message_bytes.unwrap_or(present.max_message_bytes),
            filter: or(&self.filter, &present.filter),
            transform: Transform {
                request: or(&self.transform.request, &present.transform.request),
                result: or(&self.transform.result, &present.transform.result),
            },
            sampling: self.sampling.changed(&present.sampling),
            batch: match self.batch {
                Some(patch) => patch.map(|patch| patch.changed(present.batch)),
                None => present.batch,
            },
        }
    }
}

fn or(changed: &Option<Option<String>>, present: &Option<String>) -> Option<String> {
    changed.as_ref().unwrap_or(present).clone()
}

impl From<&ListenerSettings> for SettingsPatch {
    /// Changes all of them.
    fn from(settings: &ListenerSettings) -> Self {
        Self {
            concurrency: Some(settings.concurrency),
            ordering: Some(settings.ordering),
            retry: settings.retry.into(),
            faults: Some(settings.faults),
            tombstones: Some(settings.tombstones),
            max_message_bytes: Some(settings.max_message_bytes),
            filter: Some(settings.filter.clone()),
            transform: TransformPatch {
                request: Some(settings.transform.request.clone()),
                result: Some(settings.transform.result.clone()),
            },
            sampling: (&settings.sampling).into(),
            batch: Some(settings.batch.map(Into::into)),
        }
    }
}

impl From<RetryPolicy> for RetryPatch {
    /// Changes all of it.
    fn from(retry: RetryPolicy) -> Self {
        Self {
            max_attempts: Some(retry.max_attempts),
            initial_backoff_ms: Some(retry.initial_backoff_ms),
            max_backoff_ms: Some(retry.max_backoff_ms),
            max_age_ms: Some(retry.max_age_ms),
        }
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 5,
            initial_backoff_ms: 500,
            max_backoff_ms: 60_000,
            max_age_ms: None,
        }
    }
}
