//! Which events are an organization's.
//!
//! The rule: an event is an organization's if it names the organization or an algorithm of it. It
//! names them by its stream (`organization-NAME`, `algorithm-NAME/…`), or by a field of its payload,
//! however deep, that is called `organization` and holds NAME, or is called `algorithm` and holds
//! `NAME/…`. So grants, listeners and publishers of its algorithms are its events; brokers,
//! topics and workers, which it shares with others, are not.

use domain::OrganizationName;
use event_store::StoredEvent;
use serde_json::Value;

/// Whether `event` is one of `organization`.
pub(crate) fn concerns(event: &StoredEvent, organization: &OrganizationName) -> bool {
    let stream = event.stream.as_str();
    stream.strip_prefix("organization-") == Some(organization.as_str())
        || stream
            .strip_prefix("algorithm-")
            .is_some_and(|algorithm| is_of(algorithm, organization))
        // What is no JSON names nobody.
        || serde_json::from_slice(&event.payload).is_ok_and(|payload| names(&payload, organization))
}

fn names(value: &Value, organization: &OrganizationName) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(field, value)| match (&**field, value) {
            ("organization", Value::String(name)) => name == organization.as_str(),
            ("algorithm", Value::String(algorithm)) => is_of(algorithm, organization),
            (_, value) => names(value, organization),
        }),
        Value::Array(values) => values.iter().any(|value| names(value, organization)),
        _ => false,
    }
}

/// Whether the algorithm's id begins with the organization's name.
fn is_of(algorithm: &str, organization: &OrganizationName) -> bool {
    let name = algorithm.split_once('/').map(|(name, _)| name);
    name == Some(organization.as_str())
}

#[cfg(test)]
mod tests {
    use domain::{CommandId, EventId, Position, Revision, StreamName};
    use uuid::Uuid;

    use super::*;

    fn is_acme_s(stream: &str, payload: &str) -> bool {
        let event = StoredEvent {
            position: Position(1),
            id: EventId(Uuid::nil()),
            stream: StreamName(stream.to_owned()),
            revision: Revision(0),
            type_name: "Any".to_owned(),
            schema_version: 1,
            recorded_at_us: 0,
            command: CommandId(Uuid::nil()),
            metadata: String::new(),
            payload: payload.as_bytes().to_vec(),
        };
        concerns(&event, &"acme".parse().unwrap())
    }

    #[test]
    fn events_that_name_the_organization_or_its_algorithms_are_its() {
        for (stream, payload) in [
            ("organization-acme", r#"{"name":"acme"}"#),
            ("organization-acme", "no JSON"),
            ("algorithm-acme/score", "{}"),
            (
                "topic-1/orders",
                r#"{"topic":"orders","algorithm":"acme/score"}"#,
            ),
            ("worker-1", r#"{"algorithm":"acme/score","error":"gone"}"#),
            ("user-1", r#"{"member":{"organization":"acme"}}"#),
            ("x-1", r#"{"all":[{"n":1},{"algorithm":"acme/x"}]}"#),
        ] {
            assert!(is_acme_s(stream, payload), "{stream} {payload}");
        }
    }

    #[test]
    fn every_golden_event_that_names_the_organization_is_its() {
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden");
        let mut named = 0;
        for entry in std::fs::read_dir(golden).unwrap() {
            let path = entry.unwrap().path();
            let file = path.file_name().unwrap().to_str().unwrap();
            let payload = std::fs::read_to_string(&path).unwrap();
            let names = payload.contains(r#""acme""#) || payload.contains(r#""acme/"#);
            if !file.ends_with(".json") || !names {
                continue;
            }
            // Its payload calls it `name`, as others are called too.
            let created = file.starts_with("OrganizationCreated.");
            let stream = if created {
                "organization-acme"
            } else {
                "any-1"
            };
            assert!(is_acme_s(stream, &payload), "{file}");
            named += 1;
        }
        assert!(named >= 16, "{named} golden events");
    }

    #[test]
    fn events_of_others_and_of_nobody_are_not() {
        for (stream, payload) in [
            ("organization-acme-2", r#"{"name":"acme-2"}"#),
            ("organization-other", r#"{"name":"acme"}"#),
            ("algorithm-acme2/score", r#"{"algorithm":"acme2/score"}"#),
            ("broker-1", r#"{"name":"acme"}"#),
            (
                "topic-1/acme",
                r#"{"topic":"acme","algorithm":"other/acme"}"#,
            ),
            ("worker-1", r#"{"error":"acme/score"}"#),
            ("x-1", r#"{"algorithm":"acme"}"#),
            ("x-1", "acme/score"),
        ] {
            assert!(!is_acme_s(stream, payload), "{stream} {payload}");
        }
    }
}
