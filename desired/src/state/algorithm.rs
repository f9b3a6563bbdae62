//! An algorithm and its versions.

use std::collections::BTreeMap;

use domain::algorithm::{CallSettings, Protocol};
use domain::{ModelServer, Version};
use serde::{Deserialize, Serialize};

use super::number;

/// How long a call may take where nothing is said.
const FIVE_MINUTES_MS: u32 = 300_000;

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
#[serde(rename_all = "camelCase", from = "VersionFields")]
pub(crate) struct VersionSpec {
    pub(crate) endpoint: String,
    pub(crate) protocol: Protocol,
    pub(crate) timeout_ms: u32,
    #[serde(skip_serializing_if = "is_three_seconds")]
    pub(crate) connect_timeout_ms: u32,
    /// Absent, it may take as long as the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_byte_timeout_ms: Option<u32>,
    /// Absent, it may take as long as the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) idle_timeout_ms: Option<u32>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) batches_callers: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) withdrawn: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) withdrawn_reason: Option<String>,
}

/// As documents write it. What is absent is what the preset says, or else the default.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct VersionFields {
    endpoint: String,
    protocol: Option<Protocol>,
    preset: Option<ModelServer>,
    #[serde(default, deserialize_with = "number::read_some")]
    timeout_ms: Option<u32>,
    #[serde(default, deserialize_with = "number::read_some")]
    connect_timeout_ms: Option<u32>,
    #[serde(default, deserialize_with = "number::read_or_null")]
    first_byte_timeout_ms: Option<u32>,
    #[serde(default, deserialize_with = "number::read_or_null")]
    idle_timeout_ms: Option<u32>,
    batches_callers: Option<bool>,
    #[serde(default)]
    withdrawn: bool,
    withdrawn_reason: Option<String>,
}

impl From<VersionFields> for VersionSpec {
    fn from(fields: VersionFields) -> Self {
        let preset = fields.preset;
        let timeout_ms = preset.and_then(ModelServer::timeout_ms);
        let timeout_ms = timeout_ms.and_then(|timeout_ms| u32::try_from(timeout_ms).ok());
        let batches_callers = preset.is_some_and(ModelServer::batches_callers);
        Self {
            endpoint: fields.endpoint,
            protocol: fields.protocol.unwrap_or(Protocol::Raw),
            timeout_ms: fields.timeout_ms.or(timeout_ms).unwrap_or(FIVE_MINUTES_MS),
            connect_timeout_ms: fields.connect_timeout_ms.unwrap_or(three_seconds()),
            first_byte_timeout_ms: fields.first_byte_timeout_ms,
            idle_timeout_ms: fields.idle_timeout_ms,
            batches_callers: fields.batches_callers.unwrap_or(batches_callers),
            withdrawn: fields.withdrawn,
            withdrawn_reason: fields.withdrawn_reason,
        }
    }
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

const fn three_seconds() -> u32 {
    CallSettings::CONNECT_TIMEOUT_MS as u32
}

fn is_three_seconds(timeout_ms: &u32) -> bool {
    *timeout_ms == three_seconds()
}
