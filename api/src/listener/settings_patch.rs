//! The settings of a listener to change: what is left out stays, null is the default.

use async_graphql::{InputObject, MaybeUndefined};
use domain::listener::{ListenerSettings, RetryPatch, RetryPolicy, SettingsPatch, TransformPatch};

use super::batching::{self, BatchPolicyInput};
use super::sampling::{self, SamplingPolicyInput};
use super::settings::{FaultPolicy, MessageOrdering, TombstonePolicy};
use crate::model_server::ModelServer;

/// The settings of a listener to change. What is left out stays as it is; null resets it to the
/// default.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ListenerSettingsPatchInput {
    /// How many calls each worker makes at once: 1 to 1,024; by default 16.
    pub concurrency: MaybeUndefined<u32>,
    /// Which messages are handled one after the other; by default `NONE` of them. A message that is
    /// called again holds those that come after it.
    pub ordering: MaybeUndefined<MessageOrdering>,
    /// How retryable calls are repeated.
    pub retry: MaybeUndefined<RetryPolicyPatchInput>,
    /// What happens to a faulty message if there is no dead letter queue; by default `BLOCK`.
    pub faults: MaybeUndefined<FaultPolicy>,
    /// What happens to a message without a body; by default `SEND`.
    pub tombstones: MaybeUndefined<TombstonePolicy>,
    /// A message with a larger body is faulty and never sent: 1 to 16,777,216; by default
    /// 1,048,576.
    pub max_message_bytes: MaybeUndefined<u64>,
    /// Which messages are sent: an expression in CEL of at most 4,096 bytes, such as
    /// `body.amount > 100`, that gives true or false. Messages for which it is false end as
    /// `FILTERED`. By default, all are sent.
    pub filter: MaybeUndefined<String>,
    /// The model server that is called, whose transforms it gets where they are not given. Only the
    /// transforms are stored.
    pub preset: Option<ModelServer>,
    /// What is sent and published in place of the bytes as they are.
    pub transform: MaybeUndefined<ListenerTransformPatchInput>,
    /// What is kept of runs, to be looked at: `payload` of a run.
    pub sampling: MaybeUndefined<SamplingPolicyInput>,
    /// How messages are called together; by default one by one. Not allowed with an ordering.
    pub batch: MaybeUndefined<BatchPolicyInput>,
}

/// What to change about what is sent and published. What is left out stays as it is; null resets it
/// to the default.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ListenerTransformPatchInput {
    /// What is sent to the endpoint: an expression in CEL of at most 4,096 bytes, such as
    /// `{'instances': [body]}`. By default, the message's body as it is.
    pub request: MaybeUndefined<String>,
    /// What is published: an expression in CEL of at most 4,096 bytes, such as
    /// `answer.predictions[0]`. By default, the endpoint's answer as it is.
    pub result: MaybeUndefined<String>,
}

/// What to change about how retryable calls are repeated. What is left out stays as it is; null
/// resets it to the default.
#[derive(Clone, Debug, Default, InputObject)]
pub struct RetryPolicyPatchInput {
    /// How many calls in all, the first included: 1 to 100; by default 5.
    pub max_attempts: MaybeUndefined<u32>,
    /// The longest wait before the second call: 1 to 3,600,000; by default 500.
    pub initial_backoff_ms: MaybeUndefined<u64>,
    /// The longest wait before any call: from `initialBackoffMs` to 86,400,000; by default 60,000.
    pub max_backoff_ms: MaybeUndefined<u64>,
    /// For how long a message is called again after its first failure: 1 to 1,209,600,000. One that
    /// fails after that is faulty, also if it has attempts left. Time in which the listener is
    /// blocked, paused or disabled, and in which the endpoint asks for a wait, does not count. By
    /// default there is no limit.
    pub max_age_ms: MaybeUndefined<u64>,
}

/// What a member `settings` changes.
pub(super) fn patch(settings: &MaybeUndefined<ListenerSettingsPatchInput>) -> SettingsPatch {
    // Where it starts is no part of the patch.
    let defaults = ListenerSettings::starting(None);
    match settings {
        MaybeUndefined::Undefined => SettingsPatch::default(),
        MaybeUndefined::Null => (&defaults).into(),
        MaybeUndefined::Value(settings) => SettingsPatch {
            concurrency: or_default(settings.concurrency, defaults.concurrency),
            ordering: or_default(settings.ordering, defaults.ordering.into()).map(Into::into),
            retry: retry(&settings.retry, defaults.retry),
            faults: or_default(settings.faults, defaults.faults.into()).map(Into::into),
            tombstones: or_default(settings.tombstones, defaults.tombstones.into()).map(Into::into),
            max_message_bytes: or_default(settings.max_message_bytes, defaults.max_message_bytes),
            filter: or_none(&settings.filter),
            transform: preset(transform(&settings.transform), settings.preset),
            sampling: sampling::patch(&settings.sampling),
            batch: batching::patch(&settings.batch),
        },
    }
}

fn transform(transform: &MaybeUndefined<ListenerTransformPatchInput>) -> TransformPatch {
    match transform {
        MaybeUndefined::Undefined => TransformPatch::default(),
        MaybeUndefined::Null => TransformPatch {
            request: Some(None),
            result: Some(None),
        },
        MaybeUndefined::Value(transform) => TransformPatch {
            request: or_none(&transform.request),
            result: or_none(&transform.result),
        },
    }
}

/// The patch with the preset's transforms in place of those that are not given.
fn preset(given: TransformPatch, preset: Option<ModelServer>) -> TransformPatch {
    let Some(preset) = preset else {
        return given;
    };
    let preset = domain::ModelServer::from(preset).transform();
    TransformPatch {
        request: given.request.or(Some(preset.request)),
        result: given.result.or(Some(preset.result)),
    }
}

fn retry(retry: &MaybeUndefined<RetryPolicyPatchInput>, defaults: RetryPolicy) -> RetryPatch {
    match retry {
        MaybeUndefined::Undefined => RetryPatch::default(),
        MaybeUndefined::Null => defaults.into(),
        MaybeUndefined::Value(retry) => RetryPatch {
            max_attempts: or_default(retry.max_attempts, defaults.max_attempts),
            initial_backoff_ms: or_default(retry.initial_backoff_ms, defaults.initial_backoff_ms),
            max_backoff_ms: or_default(retry.max_backoff_ms, defaults.max_backoff_ms),
            max_age_ms: or_none(&retry.max_age_ms),
        },
    }
}

pub(super) fn or_default<T>(member: MaybeUndefined<T>, default: T) -> Option<T> {
    match member {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(default),
        MaybeUndefined::Value(value) => Some(value),
    }
}

/// The change of a member whose default is to have none.
fn or_none<T: Clone>(member: &MaybeUndefined<T>) -> Option<Option<T>> {
    or_default(member.clone().map_value(Some), None)
}

#[cfg(test)]
mod tests {
    use async_graphql::{InputType, Value, value};

    use super::*;

    /// What the member changes, if it is sent.
    fn patched(sent: Option<Value>) -> SettingsPatch {
        patch(&MaybeUndefined::parse(sent).unwrap())
    }

    fn defaults() -> SettingsPatch {
        (&ListenerSettings::starting(None)).into()
    }

    #[test]
    fn what_is_left_out_stays_at_every_depth() {
        let stays = SettingsPatch::default;
        for sent in [
            None,
            Some(value!({})),
            Some(value!({ "retry": {}, "transform": {}, "sampling": { "mask": {} } })),
        ] {
            assert_eq!(patched(sent), stays());
        }
        let deep = patched(Some(value!({ "retry": { "maxAttempts": 9 } })));
        let mut expected = stays();
        expected.retry.max_attempts = Some(9);
        assert_eq!(deep, expected);
        let deep = patched(Some(value!({ "transform": { "request": "body" } })));
        let mut expected = SettingsPatch::default();
        expected.transform.request = Some(Some("body".to_owned()));
        assert_eq!(deep, expected);
    }

    #[test]
    fn a_preset_is_what_it_stands_for_where_nothing_else_is_said() {
        let sent = value!({ "preset": "MLFLOW", "transform": { "result": null } });
        let mut expected = SettingsPatch::default();
        let records = "{'dataframe_records': [body]}".to_owned();
        expected.transform.request = Some(Some(records));
        expected.transform.result = Some(None);
        assert_eq!(patched(Some(sent)), expected);
    }

    #[test]
    fn null_is_the_default_at_every_depth() {
        assert_eq!(patched(Some(Value::Null)), defaults());
        let members = value!({
            "concurrency": null, "ordering": null, "retry": null, "faults": null, "tombstones": null, "maxMessageBytes": null,
            "filter": null, "transform": null, "sampling": null, "batch": null,
        });
        assert_eq!(patched(Some(members)), defaults());
        let deep = patched(Some(value!({ "retry": { "initialBackoffMs": null } })));
        let mut expected = SettingsPatch::default();
        expected.retry.initial_backoff_ms = defaults().retry.initial_backoff_ms;
        assert_eq!(deep, expected);
        let deep = patched(Some(
            value!({ "sampling": { "mask": { "message": null } } }),
        ));
        let mut expected = SettingsPatch::default();
        expected.sampling.mask.message = Some(Vec::new());
        assert_eq!(deep, expected);
        let deep = patched(Some(value!({ "retry": { "maxAgeMs": null } })));
        let mut expected = SettingsPatch::default();
        expected.retry.max_age_ms = Some(None);
        assert_eq!(deep, expected);
        let deep = patched(Some(value!({ "transform": { "result": null } })));
        let mut expected = SettingsPatch::default();
        expected.transform.result = Some(None);
        assert_eq!(deep, expected);
    }
}
