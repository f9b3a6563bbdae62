//! Which runs a listener keeps samples of, and what is hidden in them.

use serde::{Deserialize, Serialize};

use crate::refusal::Refusal;
use crate::sample::Pointer;

/// The most bytes of a body that a sample can be told to keep: 256 KiB.
const MOST_BYTES: u64 = 256 * 1024;

/// The most parts of a kind that are hidden, and the longest way to one, in bytes.
const MOST_MASKED: usize = 50;
const LONGEST_MASKED: usize = 256;

/// What is kept of the messages of a listener, and of what came of them, beside their runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SamplingPolicy {
    pub runs: SampledRuns,
    /// Of each body; what is longer is cut: 1 to 256 KiB.
    pub max_bytes: u64,
    #[serde(default, skip_serializing_if = "SampleMask::is_none")]
    pub mask: SampleMask,
}

/// The runs that samples are taken of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SampledRuns {
    #[default]
    None,
    /// Those whose message was faulty.
    Failures,
    /// All but those that the listener leaves out.
    All,
}

/// What of a sample is hidden before anything of it is stored. If a part of a body is, then a body
/// without a part to hide is not kept at all: what is hidden in one may be repeated in another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleMask {
    /// The message's key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub key: bool,
    /// The values of the message's headers of these names, whatever their case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<String>,
    /// JSON Pointers into the message's body.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub message: Vec<String>,
    /// JSON Pointers into what is sent, where that is not the message as it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub request: Vec<String>,
    /// JSON Pointers into what the endpoint answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answer: Vec<String>,
}

/// What somebody changes of the policy; the rest stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SamplingPatch {
    pub runs: Option<SampledRuns>,
    pub max_bytes: Option<u64>,
    pub mask: MaskPatch,
}

/// What somebody changes of what is hidden; the rest stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MaskPatch {
    pub key: Option<bool>,
    pub headers: Option<Vec<String>>,
    pub message: Option<Vec<String>>,
    pub request: Option<Vec<String>>,
    pub answer: Option<Vec<String>>,
}

impl SamplingPolicy {
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn check(&self) -> Result<(), Refusal> {
        let field = "settings.sampling.maxBytes";
        Refusal::unless_within(field, self.max_bytes, 1..=MOST_BYTES)?;
        let mask = &self.mask;
        let names = &mask.headers;
        unless_many("settings.sampling.mask.headers", names)?;
        for (field, pointers) in [
            ("settings.sampling.mask.message", &mask.message),
            ("settings.sampling.mask.request", &mask.request),
            ("settings.sampling.mask.answer", &mask.answer),
        ] {
            unless_many(field, pointers)?;
            if pointers.iter().any(|text| Pointer::read(text).is_none()) {
                let rule = "JSON Pointers, such as /customer/name";
                return Err(Refusal::OutOfRange { field, rule });
            }
        }
        Ok(())
    }
}

/// Refuses more, or longer, parts than can be hidden.
fn unless_many(field: &'static str, parts: &[String]) -> Result<(), Refusal> {
    let is_too_long = parts.iter().any(|part| part.len() > LONGEST_MASKED);
    if parts.len() > MOST_MASKED || is_too_long {
        let limit = "at most 50 parts can be hidden, each named by at most 256 bytes";
        return Err(Refusal::TooMany { field, limit });
    }
    Ok(())
}

impl Default for SamplingPolicy {
    fn default() -> Self {
        Self {
            runs: SampledRuns::None,
            max_bytes: 16 * 1024,
            mask: SampleMask::default(),
        }
    }
}

impl SampleMask {
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a part of some body is hidden.
    #[must_use]
    pub fn hides_bodies(&self) -> bool {
        let pointers = [&self.message, &self.request, &self.answer];
        pointers.iter().any(|pointers| !pointers.is_empty())
    }
}

impl SamplingPatch {
    /// `present` with what the patch changes.
    #[must_use]
    pub fn changed(&self, present: &SamplingPolicy) -> SamplingPolicy {
        let (mask, hidden) = (&self.mask, &present.mask);
        let or = |changed: &Option<Vec<String>>, present: &Vec<String>| {
            changed.as_ref().unwrap_or(present).clone()
        };
        SamplingPolicy {
            runs: self.runs.unwrap_or(present.runs),
            max_bytes: self.max_bytes.unwrap_or(present.max_bytes),
            mask: SampleMask {
                key: mask.key.unwrap_or(hidden.key),
                headers: or(&mask.headers, &hidden.headers),
                message: or(&mask.message, &hidden.message),
                request: or(&mask.request, &hidden.request),
                answer: or(&mask.answer, &hidden.answer),
            },
        }
    }
}

impl From<&SamplingPolicy> for SamplingPatch {
    /// Changes all of it.
    fn from(policy: &SamplingPolicy) -> Self {
        Self {
            runs: Some(policy.runs),
            max_bytes: Some(policy.max_bytes),
            mask: (&policy.mask).into(),
        }
    }
}

impl From<&SampleMask> for MaskPatch {
    /// Changes all of it.
    fn from(mask: &SampleMask) -> Self {
        Self {
            key: Some(mask.key),
            headers: Some(mask.headers.clone()),
            message: Some(mask.message.clone()),
            request: Some(mask.request.clone()),
            answer: Some(mask.answer.clone()),
        }
    }
}
