//! An algorithm and its versions.

use std::collections::BTreeMap;

use domain::Version;
use domain::algorithm::{CallSettings, Protocol};
use serde::{Deserialize, Serialize};

use super::number;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlgorithmSpec {
    /// Absent, it may be any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(default)]
    pub(crate) versions: BTreeMap<Version, VersionSpec>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct VersionSpec {
    pub(crate) endpoint: String,
    #[serde(default = "raw")]
    pub(crate) protocol: Protocol,
    #[serde(default = "five_minutes", deserialize_with = "number::read")]
    pub(crate) timeout_ms: u32,
    #[serde(default = "three_seconds", deserialize_with = "number::read")]
    #[serde(skip_serializing_if = "is_three_seconds")]
    pub(crate) connect_timeout_ms: u32,
    /// Absent, it may take as long as the call.
    #[serde(default, deserialize_with = "number::read_or_null")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_byte_timeout_ms: Option<u32>,
    /// Absent, it may take as long as the call.
    #[serde(default, deserialize_with = "number::read_or_null")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) idle_timeout_ms: Option<u32>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) withdrawn: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) withdrawn_reason: Option<String>,
}

impl VersionSpec {
    /// Whether both are published alike; withdrawn or not.
    pub(crate) fn is_called_like(&self, other: &Self) -> bool {
        let published = Self {
            withdrawn: self.withdrawn,
            withdrawn_reason: self.withdrawn_reason.clone(),
            ..other.clone()
        };
        *self == published
    }
}

const fn raw() -> Protocol {
    Protocol::Raw
}

const fn three_seconds() -> u32 {
    CallSettings::CONNECT_TIMEOUT_MS as u32
}

fn is_three_seconds(timeout_ms: &u32) -> bool {
    *timeout_ms == three_seconds()
}

const fn five_minutes() -> u32 {
    300_000
}
