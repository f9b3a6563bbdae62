//! An algorithm and its versions.

use std::collections::BTreeMap;

use domain::Version;
use domain::algorithm::Protocol;
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
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) withdrawn: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) withdrawn_reason: Option<String>,
}

const fn raw() -> Protocol {
    Protocol::Raw
}

const fn five_minutes() -> u32 {
    300_000
}
