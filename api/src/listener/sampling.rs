//! Which runs a listener keeps samples of, read and written.

use async_graphql::{Enum, InputObject, MaybeUndefined, SimpleObject};
use domain::listener::{
    MaskPatch, SampleMask as DomainMask, SampledRuns as DomainRuns, SamplingPatch,
    SamplingPolicy as DomainPolicy,
};

use super::settings_patch::or_default;

/// What is kept of the messages of a listener, and of what came of them, beside their runs.
#[derive(SimpleObject)]
pub struct SamplingPolicy {
    /// The runs that samples are taken of.
    pub runs: SampledRuns,
    /// How many bytes of each body are kept.
    pub max_bytes: u64,
    /// What is hidden before anything is stored.
    pub mask: SampleMask,
}

/// What of a sample is hidden before anything of it is stored. If a part of a body is, then a body
/// without a part to hide is not kept at all: what is hidden in one may be repeated in another.
/// Headers whose names say that they are secrets, such as `authorization`, are never kept.
#[derive(SimpleObject)]
pub struct SampleMask {
    /// The message's key.
    pub key: bool,
    /// The values of the message's headers of these names, whatever their case.
    pub headers: Vec<String>,
    /// JSON Pointers into the message's body.
    pub message: Vec<String>,
    /// JSON Pointers into what is sent, where that is not the message as it is.
    pub request: Vec<String>,
    /// JSON Pointers into what the endpoint answers.
    pub answer: Vec<String>,
}

/// The runs that samples are taken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "DomainRuns")]
pub enum SampledRuns {
    /// None.
    None,
    /// Those whose message was faulty.
    Failures,
    /// All but those that the listener leaves out.
    All,
}

/// Which samples to keep. When a listener is updated, what is left out stays as it is; null resets it
/// to the default.
#[derive(Clone, Debug, Default, InputObject)]
pub struct SamplingPolicyInput {
    /// The runs that samples are taken of; by default `NONE`.
    pub runs: MaybeUndefined<SampledRuns>,
    /// How many bytes of each body are kept: 1 to 262,144; by default 16,384.
    pub max_bytes: MaybeUndefined<u64>,
    /// What is hidden before anything is stored; by default nothing but headers whose names say that
    /// they are secrets.
    pub mask: MaybeUndefined<SampleMaskInput>,
}

/// What of a sample to hide: at most 50 parts of each kind, each named by at most 256 bytes. If a part
/// of a body is hidden, then a body without a part to hide is not kept at all.
#[derive(Clone, Debug, Default, InputObject)]
pub struct SampleMaskInput {
    /// Whether to hide the message's key; by default not.
    pub key: MaybeUndefined<bool>,
    /// The names of the message's headers whose values to hide, whatever their case.
    pub headers: MaybeUndefined<Vec<String>>,
    /// JSON Pointers into the message's body, such as `/customer/name`. A body that is no JSON is
    /// then not kept.
    pub message: MaybeUndefined<Vec<String>>,
    /// JSON Pointers into what is sent, where that is not the message as it is.
    pub request: MaybeUndefined<Vec<String>>,
    /// JSON Pointers into what the endpoint answers.
    pub answer: MaybeUndefined<Vec<String>>,
}

/// What a member `sampling` changes.
pub(super) fn patch(sampling: &MaybeUndefined<SamplingPolicyInput>) -> SamplingPatch {
    let defaults = DomainPolicy::default();
    match sampling {
        MaybeUndefined::Undefined => SamplingPatch::default(),
        MaybeUndefined::Null => (&defaults).into(),
        MaybeUndefined::Value(sampling) => SamplingPatch {
            runs: or_default(sampling.runs, defaults.runs.into()).map(Into::into),
            max_bytes: or_default(sampling.max_bytes, defaults.max_bytes),
            mask: mask(&sampling.mask),
        },
    }
}

fn mask(mask: &MaybeUndefined<SampleMaskInput>) -> MaskPatch {
    let none = DomainMask::default();
    let parts = |parts: &MaybeUndefined<Vec<String>>| or_default(parts.clone(), Vec::new());
    match mask {
        MaybeUndefined::Undefined => MaskPatch::default(),
        MaybeUndefined::Null => (&none).into(),
        MaybeUndefined::Value(mask) => MaskPatch {
            key: or_default(mask.key, none.key),
            headers: parts(&mask.headers),
            message: parts(&mask.message),
            request: parts(&mask.request),
            answer: parts(&mask.answer),
        },
    }
}

impl From<DomainPolicy> for SamplingPolicy {
    fn from(policy: DomainPolicy) -> Self {
        let mask = policy.mask;
        Self {
            runs: policy.runs.into(),
            max_bytes: policy.max_bytes,
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
