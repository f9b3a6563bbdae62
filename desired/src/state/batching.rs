//! How a listener's messages are called together, as documents and the API write it.

use domain::listener::{BatchFormat, BatchPolicy};
use serde::{Deserialize, Serialize};

use super::number;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct BatchSpec {
    pub(crate) format: BatchFormat,
    #[serde(deserialize_with = "number::read")]
    pub(crate) count: u32,
    #[serde(deserialize_with = "number::read")]
    pub(crate) bytes: u64,
    #[serde(deserialize_with = "number::read")]
    pub(crate) wait_ms: u64,
}

impl Default for BatchSpec {
    fn default() -> Self {
        BatchPolicy::default().into()
    }
}

impl From<BatchPolicy> for BatchSpec {
    fn from(policy: BatchPolicy) -> Self {
        Self {
            format: policy.format,
            count: policy.count,
            bytes: policy.bytes,
            wait_ms: policy.wait_ms,
        }
    }
}

impl From<BatchSpec> for BatchPolicy {
    fn from(spec: BatchSpec) -> Self {
        Self {
            format: spec.format,
            count: spec.count,
            bytes: spec.bytes,
            wait_ms: spec.wait_ms,
        }
    }
}
