//! What is written, as this program and a reader of YAML 1.1 read it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

use domain::grant::{Access, Grantee, Permission};
use domain::organization::Role;
use serde_json::Value;

use super::document::documents;
use super::*;
use crate::state::algorithm::{AlgorithmSpec, VersionSpec};
use crate::state::broker::{BrokerSpec, Kafka};
use crate::state::edge::Edge;
use crate::state::grant::{Covered, TopicScope};
use crate::state::listener::ListenerSpec;

/// Texts that some reader of YAML takes for a flag, a number, a time, nothing or a merge.
const AMBIGUOUS: [&str; 30] = [
    "yes",
    "no",
    "on",
    "off",
    "y",
    "n",
    "true",
    "False",
    "null",
    "NULL",
    "~",
    "1.10",
    "010",
    "0777",
    "0x1F",
    "0o17",
    "0b11",
    "1_0",
    "1e3",
    "1E3",
    "12:30",
    "190:20:30.15",
    "2026-01-01",
    "2026-01-01T00:00:00Z",
    ".inf",
    ".NaN",
    "<<",
    "=",
    "-",
    "01443e5",
];

/// Prints the documents on standard input as JSON; PyYAML reads them as YAML 1.1.
const READER: &str = "\
import json, sys, yaml
print(json.dumps(list(yaml.safe_load_all(sys.stdin))))";

fn read_by_yaml_1_1(text: &str) -> Value {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests take their Python from here"
    )]
    let python = std::env::var("EVENTFLOWS_TEST_PYTHON")
        .expect("EVENTFLOWS_TEST_PYTHON names a Python with PyYAML: `cargo xtask test` makes one");
    let mut child = Command::new(python)
        .args(["-c", READER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{text}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A state whose every text is one of those, wherever the rules of names allow it.
fn ambiguous() -> State {
    fn allowed<T: std::str::FromStr>(text: &str) -> Option<T> {
        text.parse().ok()
    }
    let mut state = State::default();
    for text in AMBIGUOUS {
        if let Some(name) = allowed(text) {
            let members = AMBIGUOUS.iter().filter_map(|member| allowed(member));
            let members = members.map(|member| (member, Role::Owner));
            state.organizations.insert(name, members.collect());
        }
        let Some(algorithm) = allowed("acme/score") else {
            continue;
        };
        let versions = [("1.0.0", text), ("2.0.0-1e3", "http://127.0.0.1:9/")];
        let versions = versions.map(|(version, endpoint)| {
            let spec = VersionSpec {
                endpoint: endpoint.to_owned(),
                protocol: domain::algorithm::Protocol::Raw,
                timeout_ms: 1000,
                connect_timeout_ms: 3000,
                first_byte_timeout_ms: None,
                idle_timeout_ms: None,
                batches_callers: false,
                withdrawn: true,
                withdrawn_reason: Some(text.to_owned()),
            };
            (version.parse().unwrap(), spec)
        });
        let spec = AlgorithmSpec {
            description: Some(text.to_owned()),
            versions: BTreeMap::from(versions),
        };
        state.algorithms.insert(algorithm, spec);
        let Some(broker) = allowed(text).or_else(|| allowed("main")) else {
            continue;
        };
        let kafka = Kafka {
            bootstrap_servers: vec![text.to_owned()],
            tls: None,
            sasl: None,
        };
        state.brokers.insert(broker, BrokerSpec::Kafka(kafka));
        on_topic(&mut state, text);
    }
    state
}

fn on_topic(state: &mut State, text: &str) {
    let Ok(topic) = text.parse::<domain::TopicName>() else {
        return;
    };
    let edge = Edge {
        broker: "main".parse().unwrap(),
        topic: topic.clone(),
        algorithm: "no/on".parse().unwrap(),
    };
    let settings = serde_json::json!({ "start": {
        "at": "TIMESTAMP", "time": "2026-01-01T00:00:00Z" },
        "filter": "body.a == ': #\"'\n  && true", "transform": { "request": "{'a': [body]}" } });
    let listener = ListenerSpec {
        version: "1.*".parse().unwrap(),
        settings: serde_json::from_value(settings).unwrap(),
        dlq: Some(topic.clone()),
        paused: true,
    };
    let scope = TopicScope {
        broker: edge.broker.clone(),
        covered: Covered::Topic(topic),
    };
    let permission = Permission {
        grantee: Grantee::Organization("null".parse().unwrap()),
        access: Access::Publish,
    };
    state.grants.insert(scope, BTreeSet::from([permission]));
    state
        .publishers
        .insert(edge.clone(), "latest".parse().unwrap());
    state.listeners.insert(edge, listener);
}

#[test]
fn yaml_1_1_and_1_2_read_the_same_names() {
    let state = ambiguous();
    assert!(state.organizations.len() >= 5, "{state:?}");
    assert!(state.listeners.len() >= 10, "{state:?}");
    let text = to_yaml(&state).unwrap();
    let again = input::tests::state(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(again, state, "{text}");
    let meant = serde_json::to_value(documents(&state)).unwrap();
    assert_eq!(read_by_yaml_1_1(&text), meant, "{text}");
}
