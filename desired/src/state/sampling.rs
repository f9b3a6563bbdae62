//! What a listener keeps of its runs, as documents and the API write it.

use domain::listener::{SampleMask, SampledRuns, SamplingPolicy};
use serde::{Deserialize, Serialize};

use super::number;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct SamplingSpec {
    pub(crate) runs: SampledRuns,
    #[serde(deserialize_with = "number::read")]
    pub(crate) max_bytes: u64,
    #[serde(skip_serializing_if = "MaskSpec::is_none")]
    pub(crate) mask: MaskSpec,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct MaskSpec {
    pub(crate) key: bool,
    pub(crate) headers: Vec<String>,
    pub(crate) message: Vec<String>,
    pub(crate) request: Vec<String>,
    pub(crate) answer: Vec<String>,
}

impl SamplingSpec {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl MaskSpec {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for SamplingSpec {
    fn default() -> Self {
        (&SamplingPolicy::default()).into()
    }
}

impl From<&SamplingPolicy> for SamplingSpec {
    fn from(policy: &SamplingPolicy) -> Self {
        let mask = policy.mask.clone();
        Self {
            runs: policy.runs,
            max_bytes: policy.max_bytes,
            mask: MaskSpec {
                key: mask.key,
                headers: mask.headers,
                message: mask.message,
                request: mask.request,
                answer: mask.answer,
            },
        }
    }
}

impl From<SamplingSpec> for SamplingPolicy {
    fn from(spec: SamplingSpec) -> Self {
        let mask = spec.mask;
        Self {
            runs: spec.runs,
            max_bytes: spec.max_bytes,
            mask: SampleMask {
                key: mask.key,
                headers: mask.headers,
                message: mask.message,
                request: mask.request,
                answer: mask.answer,
            },
        }
    }
}
