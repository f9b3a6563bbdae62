//! Whether messages of a listener are called together, and how many of them.

use serde::{Deserialize, Serialize};

use super::settings::MessageOrdering;
use crate::batch::Limits;
use crate::refusal::Refusal;

/// How messages are called together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BatchPolicy {
    pub format: BatchFormat,
    /// Messages in a call at most: 2 to 1,000.
    pub count: u32,
    /// Bytes of their bodies at most, as they are sent: 1 to 16 MiB.
    pub bytes: u64,
    /// How long the first one waits for others: up to a minute.
    pub wait_ms: u64,
}

/// How the bodies of messages become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BatchFormat {
    /// `[…,…]`
    #[default]
    JsonArray,
    /// A body in each line.
    Ndjson,
}

/// What somebody changes of it; the rest stays, or has its default where messages were called one by
/// one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchPatch {
    pub format: Option<BatchFormat>,
    pub count: Option<u32>,
    pub bytes: Option<u64>,
    pub wait_ms: Option<u64>,
}

/// Messages in calls at once at most, over all calls.
const MOST_CALLED: u64 = 16_384;

impl BatchPolicy {
    #[must_use]
    pub fn limits(self) -> Limits {
        Limits {
            count: self.count as usize,
            bytes: usize::try_from(self.bytes).unwrap_or(usize::MAX),
        }
    }

    pub(super) fn check(self, concurrency: u32, ordering: MessageOrdering) -> Result<(), Refusal> {
        let within = Refusal::unless_within;
        within("settings.batch.count", u64::from(self.count), 2..=1000)?;
        within("settings.batch.bytes", self.bytes, 1..=16 * 1024 * 1024)?;
        within("settings.batch.waitMs", self.wait_ms, 0..=60_000)?;
        if !ordering.is_none() {
            return Err(Refusal::OutOfRange {
                field: "settings.batch",
                rule: "left out unless the ordering is NONE: messages of a batch have no order",
            });
        }
        if u64::from(self.count) * u64::from(concurrency) > MOST_CALLED {
            return Err(Refusal::OutOfRange {
                field: "settings.batch.count",
                rule: "at most 16,384 by concurrency",
            });
        }
        Ok(())
    }
}

impl Default for BatchPolicy {
    fn default() -> Self {
        Self {
            format: BatchFormat::JsonArray,
            count: 32,
            bytes: 1024 * 1024,
            wait_ms: 10,
        }
    }
}

impl BatchPatch {
    /// `present`, or the default, with what the patch changes.
    #[must_use]
    pub fn changed(self, present: Option<BatchPolicy>) -> BatchPolicy {
        let present = present.unwrap_or_default();
        BatchPolicy {
            format: self.format.unwrap_or(present.format),
            count: self.count.unwrap_or(present.count),
            bytes: self.bytes.unwrap_or(present.bytes),
            wait_ms: self.wait_ms.unwrap_or(present.wait_ms),
        }
    }
}

impl From<BatchPolicy> for BatchPatch {
    /// Changes all of it.
    fn from(policy: BatchPolicy) -> Self {
        Self {
            format: Some(policy.format),
            count: Some(policy.count),
            bytes: Some(policy.bytes),
            wait_ms: Some(policy.wait_ms),
        }
    }
}
