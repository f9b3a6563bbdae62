//! Payloads of older schema versions, lifted to the newest, one version at a time.
//!
//! A step is a pure function of the stored JSON. The stored bytes stay as they are.

use serde_json::{Map, Value};

type Payload = Map<String, Value>;

/// Lifts a payload by one schema version. What it does not find it leaves alone: the reading of
/// the newest version then says what is wrong.
type Step = fn(Payload) -> Payload;

/// The steps of types that have changed, by name.
type Steps = [(&'static str, &'static [Step])];

/// The steps of each type that has changed: the first leads from version 1 to 2. None has yet:
/// nothing is promised before the first release.
const STEPS: &Steps = &[];

/// The payload of `type_name` in its newest schema version.
pub(crate) fn lift(type_name: &str, schema_version: u32, payload: Value) -> Value {
    lift_by(STEPS, type_name, schema_version, payload)
}

fn lift_by(steps: &Steps, type_name: &str, schema_version: u32, payload: Value) -> Value {
    let Value::Object(payload) = payload else {
        return payload;
    };
    let done = schema_version.saturating_sub(1) as usize;
    let lifted = steps_of(steps, type_name)
        .iter()
        .skip(done)
        .fold(payload, |payload, step| step(payload));
    Value::Object(lifted)
}

fn steps_of(steps: &Steps, type_name: &str) -> &'static [Step] {
    let found = steps.iter().find(|(name, _)| *name == type_name);
    found.map_or(&[], |(_, steps)| *steps)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::event::Event;

    /// A type whose payload changed twice.
    const CHANGED: &Steps = &[("TopicGranted", &[algorithm_becomes_grantee, reason_is_text])];

    fn algorithm_becomes_grantee(mut payload: Payload) -> Payload {
        if let Some(algorithm) = payload.remove("algorithm") {
            payload.insert("grantee".to_owned(), json!({ "algorithm": algorithm }));
        }
        payload
    }

    fn reason_is_text(mut payload: Payload) -> Payload {
        payload.entry("reason").or_insert_with(|| json!(""));
        payload
    }

    #[test]
    fn every_older_version_of_every_type_has_its_step() {
        for (name, newest) in Event::TYPES {
            assert_eq!(steps_of(STEPS, name).len() + 1, *newest as usize, "{name}");
        }
        for (name, _) in STEPS {
            assert!(
                Event::TYPES.iter().any(|(known, _)| known == name),
                "{name}"
            );
        }
    }

    #[test]
    fn an_older_version_takes_each_step_that_it_lacks() {
        let first = json!({ "topic": "orders", "algorithm": "acme/score" });
        let grantee = json!({ "algorithm": "acme/score" });
        let second = json!({ "topic": "orders", "grantee": grantee });
        let third = json!({ "topic": "orders", "grantee": grantee, "reason": "" });
        for (version, payload) in [(1, first), (2, second), (3, third.clone())] {
            let lifted = lift_by(CHANGED, "TopicGranted", version, payload);
            assert_eq!(lifted, third, "{version}");
        }
    }

    #[test]
    fn the_newest_version_and_other_types_are_left_alone() {
        let payload = json!({ "algorithm": "acme/score" });
        let newest = lift_by(CHANGED, "TopicGranted", 3, payload.clone());
        assert_eq!(newest, payload);
        let other = lift_by(CHANGED, "VersionPublished", 1, payload.clone());
        assert_eq!(other, payload);
    }

    #[test]
    fn what_is_no_object_is_left_to_be_refused() {
        assert_eq!(lift_by(CHANGED, "TopicGranted", 1, json!(7)), json!(7));
    }
}
