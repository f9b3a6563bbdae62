//! Where listeners start, in documents and in the cluster.

use serde_json::{Value, json};

use super::*;

fn edge() -> Edge {
    Edge {
        broker: "main".parse().unwrap(),
        topic: "orders".parse().unwrap(),
        algorithm: "acme/score".parse().unwrap(),
    }
}

/// A broker, and a listener that starts there.
fn listening(broker: &Value, start: &Value) -> State {
    let mut state = State::default();
    let broker = serde_json::from_value(broker.clone()).unwrap();
    state.brokers.insert("main".parse().unwrap(), broker);
    let settings = json!({ "version": "latest", "settings": { "start": start } });
    let listener = serde_json::from_value(settings).unwrap();
    state.listeners.insert(edge(), listener);
    state
}

/// What keeps the listener from being enabled or changed; its algorithm is not described.
fn of_start(desired: &State, actual: &Actual) -> Vec<Problem> {
    let mut found = problems(desired, actual, false);
    found.retain(|problem| {
        matches!(
            problem,
            Problem::Start(_) | Problem::NoStart(_) | Problem::NothingToStartAt(_)
        )
    });
    found
}

#[test]
fn a_start_is_for_listeners_that_have_not_started() {
    let kafka = json!({ "kafka": { "bootstrapServers": ["a:9092"] } });
    let (none, earliest) = (Value::Null, json!({ "at": "EARLIEST" }));
    let (unsaid, said) = (listening(&kafka, &none), listening(&kafka, &earliest));
    let by = || format!("Listener {}", edge());
    let mut actual = Actual::default();
    assert_eq!(of_start(&unsaid, &actual), [Problem::NoStart(by())]);
    assert_eq!(of_start(&said, &actual), []);

    actual.disabled.insert(edge());
    assert_eq!(of_start(&unsaid, &actual), []);
    assert_eq!(of_start(&said, &actual), []);

    actual.state = listening(&kafka, &json!({ "at": "LATEST" }));
    assert_eq!(of_start(&unsaid, &actual), []);
    assert_eq!(of_start(&said, &actual), [Problem::Start(by())]);
    actual.state = said.clone();
    assert_eq!(of_start(&said, &actual), []);
}

#[test]
fn a_listener_of_a_queue_has_no_start() {
    let queues = json!({ "sqs": { "region": "eu-west-1" } });
    let actual = Actual::default();
    let told = listening(&queues, &json!({ "at": "LATEST" }));
    let by = format!("Listener {}", edge());
    assert_eq!(of_start(&told, &actual), [Problem::NothingToStartAt(by)]);
    assert_eq!(of_start(&listening(&queues, &Value::Null), &actual), []);
}
