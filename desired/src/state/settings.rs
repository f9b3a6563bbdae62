//! A listener's settings, as documents and the API write them.

use domain::ModelServer;
use domain::listener::{
    FaultPolicy, ListenerSettings, MessageOrdering, RetryPolicy, StartPosition, TombstonePolicy,
    Transform,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::batching::BatchSpec;
use super::number;
use super::sampling::SamplingSpec;

/// A listener's settings, each within its bounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "SettingsFields")]
#[serde(rename_all = "camelCase")]
pub(crate) struct SettingsSpec {
    /// None where it stays what it is, or the broker keeps no positions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) start: Option<StartSpec>,
    pub(crate) concurrency: u32,
    #[serde(default, skip_serializing_if = "MessageOrdering::is_none")]
    pub(crate) ordering: MessageOrdering,
    pub(crate) faults: FaultPolicy,
    #[serde(default, skip_serializing_if = "TombstonePolicy::is_send")]
    pub(crate) tombstones: TombstonePolicy,
    pub(crate) max_message_bytes: u64,
    pub(crate) retry: RetrySpec,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) filter: Option<String>,
    #[serde(default, skip_serializing_if = "TransformSpec::is_none")]
    pub(crate) transform: TransformSpec,
    #[serde(default, skip_serializing_if = "SamplingSpec::is_default")]
    pub(crate) sampling: SamplingSpec,
    /// Absent, messages are called one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) batch: Option<BatchSpec>,
}

/// The listener's transforms, in CEL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransformSpec {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) request: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) result: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartSpec {
    pub(crate) at: StartAt,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) time: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum StartAt {
    Earliest,
    Latest,
    Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RetrySpec {
    #[serde(deserialize_with = "number::read")]
    pub(crate) max_attempts: u32,
    #[serde(deserialize_with = "number::read")]
    pub(crate) initial_backoff_ms: u64,
    #[serde(deserialize_with = "number::read")]
    pub(crate) max_backoff_ms: u64,
    #[serde(deserialize_with = "number::read_or_null")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_age_ms: Option<u64>,
}

impl Default for RetrySpec {
    fn default() -> Self {
        RetryPolicy::default().into()
    }
}

impl From<RetryPolicy> for RetrySpec {
    fn from(retry: RetryPolicy) -> Self {
        Self {
            max_attempts: retry.max_attempts,
            initial_backoff_ms: retry.initial_backoff_ms,
            max_backoff_ms: retry.max_backoff_ms,
            max_age_ms: retry.max_age_ms,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SettingsFields {
    start: Option<StartSpec>,
    #[serde(default, deserialize_with = "number::read_some")]
    concurrency: Option<u32>,
    ordering: Option<MessageOrdering>,
    faults: Option<FaultPolicy>,
    tombstones: Option<TombstonePolicy>,
    #[serde(default, deserialize_with = "number::read_some")]
    max_message_bytes: Option<u64>,
    #[serde(default)]
    retry: RetrySpec,
    filter: Option<String>,
    preset: Option<ModelServer>,
    #[serde(default)]
    transform: TransformSpec,
    #[serde(default)]
    sampling: SamplingSpec,
    batch: Option<BatchSpec>,
}

impl TryFrom<StartSpec> for StartPosition {
    type Error = String;

    fn try_from(start: StartSpec) -> Result<Self, String> {
        match (start.at, start.time) {
            (StartAt::Earliest, None) => Ok(Self::Earliest),
            (StartAt::Latest, None) => Ok(Self::Latest),
            (StartAt::Timestamp, Some(time)) => Ok(Self::Timestamp { time }),
            _ => Err("`time` is required with TIMESTAMP and not allowed otherwise".to_owned()),
        }
    }
}

impl TryFrom<SettingsFields> for SettingsSpec {
    type Error = String;

    fn try_from(fields: SettingsFields) -> Result<Self, String> {
        let start = fields.start.map(StartPosition::try_from).transpose()?;
        let usual = ListenerSettings::starting(start);
        let preset = fields.preset.map(ModelServer::transform);
        let preset = preset.unwrap_or_default();
        let settings = ListenerSettings {
            start,
            concurrency: fields.concurrency.unwrap_or(usual.concurrency),
            ordering: fields.ordering.unwrap_or(usual.ordering),
            retry: RetryPolicy {
                max_attempts: fields.retry.max_attempts,
                initial_backoff_ms: fields.retry.initial_backoff_ms,
                max_backoff_ms: fields.retry.max_backoff_ms,
                max_age_ms: fields.retry.max_age_ms,
            },
            faults: fields.faults.unwrap_or(usual.faults),
            tombstones: fields.tombstones.unwrap_or(usual.tombstones),
            max_message_bytes: fields.max_message_bytes.unwrap_or(usual.max_message_bytes),
            filter: fields.filter,
            transform: Transform {
                request: fields.transform.request.or(preset.request),
                result: fields.transform.result.or(preset.result),
            },
            sampling: fields.sampling.into(),
            batch: fields.batch.map(Into::into),
        };
        settings.check().map_err(|refusal| refusal.to_string())?;
        Ok(Self::of(&settings, fields.start))
    }
}

impl Default for SettingsSpec {
    fn default() -> Self {
        Self::of(&ListenerSettings::starting(None), None)
    }
}

impl TransformSpec {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl SettingsSpec {
    fn of(settings: &ListenerSettings, start: Option<StartSpec>) -> Self {
        Self {
            start,
            concurrency: settings.concurrency,
            ordering: settings.ordering,
            faults: settings.faults,
            tombstones: settings.tombstones,
            max_message_bytes: settings.max_message_bytes,
            retry: settings.retry.into(),
            filter: settings.filter.clone(),
            transform: TransformSpec {
                request: settings.transform.request.clone(),
                result: settings.transform.result.clone(),
            },
            sampling: (&settings.sampling).into(),
            batch: settings.batch.map(Into::into),
        }
    }

    /// What differs, each as `name before → after`.
    pub(crate) fn changes(&self, to: &Self) -> Vec<String> {
        let text = |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
        self.differing(to)
            .map(|(name, before, after)| format!("{name} {} → {}", text(&before), text(&after)))
            .collect()
    }

    /// What differs, as the API takes it: what is left out stays.
    pub(crate) fn patch(&self, to: &Self) -> Value {
        let mut patch = json!({});
        for (name, _, after) in self.differing(to) {
            let place = name
                .split('.')
                .fold(&mut patch, |place, part| &mut place[part]);
            *place = after;
        }
        patch
    }

    /// The settings that differ and can be changed: their names, and both values.
    fn differing(&self, to: &Self) -> impl Iterator<Item = (&'static str, Value, Value)> {
        let pairs = self.changeable().into_iter().zip(to.changeable());
        pairs
            .filter(|((_, before), (_, after))| before != after)
            .map(|((name, before), (_, after))| (name, before, after))
    }

    /// All settings but where the listener starts.
    fn changeable(&self) -> [(&'static str, Value); 20] {
        let (retry, transform) = (&self.retry, &self.transform);
        let (sampling, mask) = (&self.sampling, &self.sampling.mask);
        [
            ("concurrency", json!(self.concurrency)),
            ("ordering", json!(self.ordering)),
            ("faults", json!(self.faults)),
            ("tombstones", json!(self.tombstones)),
            ("maxMessageBytes", json!(self.max_message_bytes)),
            ("retry.maxAttempts", json!(retry.max_attempts)),
            ("retry.initialBackoffMs", json!(retry.initial_backoff_ms)),
            ("retry.maxBackoffMs", json!(retry.max_backoff_ms)),
            ("retry.maxAgeMs", json!(retry.max_age_ms)),
            ("filter", json!(self.filter)),
            ("transform.request", json!(transform.request)),
            ("transform.result", json!(transform.result)),
            ("batch", json!(self.batch)),
            ("sampling.runs", json!(sampling.runs)),
            ("sampling.maxBytes", json!(sampling.max_bytes)),
            ("sampling.mask.key", json!(mask.key)),
            ("sampling.mask.headers", json!(mask.headers)),
            ("sampling.mask.message", json!(mask.message)),
            ("sampling.mask.request", json!(mask.request)),
            ("sampling.mask.answer", json!(mask.answer)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(settings: Value) -> SettingsSpec {
        serde_json::from_value(settings).unwrap()
    }

    #[test]
    fn expressions_are_patched_one_by_one_and_removed_by_null() {
        let before = spec(json!({
            "filter": "true", "transform": { "request": "body", "result": "answer" },
        }));
        let after = spec(json!({ "transform": { "request": "[body]", "result": "answer" } }));
        let patch = json!({ "filter": null, "transform": { "request": "[body]" } });
        assert_eq!(before.patch(&after), patch);
        assert_eq!(
            before.changes(&after),
            ["filter true → null", "transform.request body → [body]"]
        );
    }

    #[test]
    fn what_is_not_set_is_not_written() {
        let written = serde_json::to_value(SettingsSpec::default()).unwrap();
        assert_eq!(written.get("filter"), None);
        assert_eq!(written.get("transform"), None);
    }

    #[test]
    fn a_preset_is_what_it_stands_for_where_nothing_else_is_said() {
        let preset = spec(json!({ "preset": "MLFLOW", "transform": { "result": "answer" } }));
        let by_hand = json!({ "request": "{'dataframe_records': [body]}", "result": "answer" });
        assert_eq!(preset, spec(json!({ "transform": by_hand })));
    }

    #[test]
    fn an_expression_that_is_too_long_is_refused() {
        let long = json!({ "filter": "x".repeat(4097) });
        assert!(serde_json::from_value::<SettingsSpec>(long).is_err());
    }
}
