//! A listener.

use domain::{TopicName, VersionSelector};
use serde::{Deserialize, Serialize};

use super::settings::SettingsSpec;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListenerSpec {
    pub(crate) version: VersionSelector,
    pub(crate) settings: SettingsSpec,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dlq: Option<TopicName>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) paused: bool,
}
