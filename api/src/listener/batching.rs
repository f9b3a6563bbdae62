//! Whether messages of a listener are called together, read and written.

use async_graphql::{Enum, InputObject, MaybeUndefined, SimpleObject};
use domain::listener::{BatchFormat as DomainFormat, BatchPatch, BatchPolicy as DomainPolicy};

use super::settings_patch::or_default;

/// How messages are called together. Attempts, decisions and results are those of each message.
#[derive(SimpleObject)]
pub struct BatchPolicy {
    /// How the bodies of messages become one.
    pub format: BatchFormat,
    /// How many messages a call has at most.
    pub count: u32,
    /// How many bytes the bodies in a call have at most.
    pub bytes: u64,
    /// How long the first message of a call waits for others.
    pub wait_ms: u64,
}

/// How the bodies of messages become one. The answer has as many results, in the same form and order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "DomainFormat")]
pub enum BatchFormat {
    /// A JSON array of them.
    JsonArray,
    /// Each in a line of its own.
    Ndjson,
}

/// How messages are called together. When a listener is updated, what is left out stays as it is; null
/// resets it to the default.
#[derive(Clone, Debug, Default, InputObject)]
pub struct BatchPolicyInput {
    /// How the bodies of messages become one; by default `JSON_ARRAY`.
    pub format: MaybeUndefined<BatchFormat>,
    /// How many messages a call has at most: 2 to 1,000; by default 32. `count` times `concurrency` is
    /// at most 16,384.
    pub count: MaybeUndefined<u32>,
    /// How many bytes the bodies in a call have at most: 1 to 16,777,216; by default 1,048,576. A
    /// larger one is called by itself.
    pub bytes: MaybeUndefined<u64>,
    /// How long the first message of a call waits for others: 0 to 60,000; by default 10.
    pub wait_ms: MaybeUndefined<u64>,
}

/// What a member `batch` changes.
pub(super) fn patch(batch: &MaybeUndefined<BatchPolicyInput>) -> Option<Option<BatchPatch>> {
    let defaults = DomainPolicy::default();
    match batch {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(batch) => Some(Some(BatchPatch {
            format: or_default(batch.format, defaults.format.into()).map(Into::into),
            count: or_default(batch.count, defaults.count),
            bytes: or_default(batch.bytes, defaults.bytes),
            wait_ms: or_default(batch.wait_ms, defaults.wait_ms),
        })),
    }
}

impl From<DomainPolicy> for BatchPolicy {
    fn from(policy: DomainPolicy) -> Self {
        Self {
            format: policy.format.into(),
            count: policy.count,
            bytes: policy.bytes,
            wait_ms: policy.wait_ms,
        }
    }
}
