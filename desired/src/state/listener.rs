//! A listener.

use domain::{TopicName, VersionSelector};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::settings::SettingsSpec;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListenerSpec {
    pub(crate) version: VersionSelector,
    #[serde(default)]
    pub(crate) settings: SettingsSpec,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dlq: Option<TopicName>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) paused: bool,
}

impl ListenerSpec {
    /// What differs but whether it is paused, each as `name before → after`.
    pub(crate) fn changes(&self, to: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        if self.version != to.version {
            changes.push(format!("version {} → {}", self.version, to.version));
        }
        if self.dlq != to.dlq {
            let [from, to] = [self, to].map(|spec| spec.dlq.as_ref());
            let [from, to] = [from, to].map(|dlq| dlq.map_or("none", TopicName::as_str));
            changes.push(format!("dlq {from} → {to}"));
        }
        changes.extend(self.settings.changes(&to.settings));
        changes
    }

    /// What differs but whether it is paused, as the API takes it: what is left out stays.
    pub(crate) fn patch(&self, to: &Self) -> Value {
        let mut patch = json!({});
        if self.version != to.version {
            patch["version"] = json!(to.version);
        }
        if self.dlq != to.dlq {
            patch["dlq"] = json!(to.dlq);
        }
        let settings = self.settings.patch(&to.settings);
        if settings != json!({}) {
            patch["settings"] = settings;
        }
        patch
    }
}
