//! Payloads of older schema versions, lifted to the newest, one version at a time.
//!
//! A step is a pure function of the stored JSON. The stored bytes stay as they are.

use serde_json::{Map, Value};

type Payload = Map<String, Value>;

/// Lifts a payload by one schema version. What it does not find it leaves alone: the reading of
/// the newest version then says what is wrong.
type Step = fn(Payload) -> Payload;

/// The steps of each type that has changed: the first leads from version 1 to 2.
const STEPS: &[(&str, &[Step])] = &[
    ("TopicGranted", &[algorithm_becomes_grantee]),
    ("TopicRevoked", &[algorithm_becomes_grantee]),
];

/// The payload of `type_name` in its newest schema version.
pub(crate) fn lift(type_name: &str, schema_version: u32, payload: Value) -> Value {
    let Value::Object(payload) = payload else {
        return payload;
    };
    let done = schema_version.saturating_sub(1) as usize;
    let lifted = steps(type_name)
        .iter()
        .skip(done)
        .fold(payload, |payload, step| step(payload));
    Value::Object(lifted)
}

fn steps(type_name: &str) -> &'static [Step] {
    let found = STEPS.iter().find(|(name, _)| *name == type_name);
    found.map_or(&[], |(_, steps)| *steps)
}

/// Grants were given to single algorithms only, before they could go to an organization.
fn algorithm_becomes_grantee(mut payload: Payload) -> Payload {
    if let Some(algorithm) = payload.remove("algorithm") {
        let grantee = Map::from_iter([("algorithm".to_owned(), algorithm)]);
        payload.insert("grantee".to_owned(), Value::Object(grantee));
    }
    payload
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::event::Event;

    #[test]
    fn every_older_version_of_every_type_has_its_step() {
        for (name, newest) in Event::TYPES {
            assert_eq!(steps(name).len() + 1, *newest as usize, "{name}");
        }
        for (name, _) in STEPS {
            assert!(
                Event::TYPES.iter().any(|(known, _)| known == name),
                "{name}"
            );
        }
    }

    #[test]
    fn the_newest_version_is_left_alone() {
        let payload = json!({ "algorithm": "acme/score" });
        assert_eq!(lift("TopicGranted", 2, payload.clone()), payload);
        assert_eq!(lift("VersionPublished", 1, payload.clone()), payload);
    }

    #[test]
    fn an_algorithm_becomes_a_grantee() {
        let payload = json!({ "topic": "orders", "algorithm": "acme/score" });
        let lifted = json!({ "topic": "orders", "grantee": { "algorithm": "acme/score" } });
        assert_eq!(lift("TopicRevoked", 1, payload), lifted);
    }

    #[test]
    fn what_is_no_object_is_left_to_be_refused() {
        assert_eq!(lift("TopicGranted", 1, json!(7)), json!(7));
    }
}
