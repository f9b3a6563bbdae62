//! What is refused, and where it is said to be.

use super::*;

fn state(text: &str) -> Result<State, InputError> {
    let mut input = Input::default();
    input.add(&Origin::File("flow.yaml".into()), text)?;
    Ok(input.state)
}

fn error(text: &str) -> String {
    state(text).unwrap_err().to_string()
}

const HEAD: &str = "apiVersion: eventflows/v1\nkind: Listener\nmetadata:\n  broker: main\n  \
                    topic: orders\n  algorithm: acme/score\nspec:\n";

const EVERYTHING: &str = "\
apiVersion: eventflows/v1
kind: Organization
metadata:
  name: acme
spec:
  members:
    ada: OWNER
    'null': MEMBER
---
apiVersion: eventflows/v1
kind: Algorithm
metadata:
  name: acme/score
spec:
  description: 'yes'
  versions:
    1.0.0:
      endpoint: http://127.0.0.1:9/
      protocol: RAW
      timeoutMs: 1000
      withdrawn: true
      withdrawnReason: it was wrong
    1.10.0-rc.1:
      endpoint: http://127.0.0.1:9/
---
apiVersion: eventflows/v1
kind: Broker
metadata:
  name: main
spec:
  kafka:
    bootstrapServers: ['127.0.0.1:9092']
    tls:
      ca: |
        one
        two
    sasl:
      mechanism: SCRAM_SHA_256
      credential: { name: file/main, version: 3 }
---
apiVersion: eventflows/v1
kind: TopicGrants
metadata: { broker: main, pattern: 'orders.*' }
spec: { subscribe: [acme/score, acme], publish: [acme] }
---
apiVersion: eventflows/v1
kind: Listener
metadata: { broker: main, topic: orders, algorithm: acme/score }
spec:
  version: 1.*
  settings:
    start: { at: TIMESTAMP, time: 2026-01-01T00:00:00Z }
    retry: { maxAttempts: 7 }
  dlq: orders-dlq
  paused: true
---
apiVersion: eventflows/v1
kind: Publisher
metadata: { broker: main, topic: scores, algorithm: acme/score }
spec: { version: latest }
";

#[test]
fn what_is_written_is_read_back_the_same() {
    let first = state(EVERYTHING).unwrap();
    assert_eq!(first.documents().len(), 6);
    let written = serde_saphyr::to_string_multiple(&first.documents()).unwrap();
    let second = state(&written).unwrap_or_else(|error| panic!("{error}\n{written}"));
    assert_eq!(first, second, "{written}");
    let again = serde_saphyr::to_string_multiple(&second.documents()).unwrap();
    assert_eq!(written, again);
}

#[test]
fn an_unknown_field_is_named_with_its_place() {
    let error = error(&format!(
        "{HEAD}  version: latest\n  settings:\n    start: {{ at: EARLIEST }}\n    speed: 9\n"
    ));
    assert!(error.starts_with("flow.yaml:11:5: "), "{error}");
    assert!(error.contains("speed"), "{error}");
}

#[test]
fn a_wrong_type_and_a_value_out_of_bounds_are_named_with_their_place() {
    let concurrency = |value: &str| {
        error(&format!(
            "{HEAD}  version: latest\n  settings:\n    start: {{ at: EARLIEST }}\n    \
             concurrency: {value}\n"
        ))
    };
    let wrong = concurrency("many");
    assert!(wrong.starts_with("flow.yaml:11:18: "), "{wrong}");
    let wide = concurrency("1025");
    assert!(wide.contains("1 to 1024"), "{wide}");
    assert!(wide.starts_with("flow.yaml:"), "{wide}");
}

#[test]
fn a_name_that_is_too_long_is_refused_where_it_stands() {
    let name = "a".repeat(300);
    let error = error(&format!(
        "apiVersion: eventflows/v1\nkind: Organization\nmetadata:\n  name: {name}\nspec: {{}}\n"
    ));
    assert!(error.starts_with("flow.yaml:4:9: "), "{error}");
    assert!(error.contains("longer than 30"), "{error}");
}

#[test]
fn what_holds_no_document_is_refused() {
    for text in ["", "\n", "# a comment\n", "---\n---\n"] {
        assert_eq!(error(text), "flow.yaml holds no document");
    }
}

#[test]
fn the_head_of_a_document_comes_first_and_is_whole() {
    let v1 = "apiVersion: eventflows/v1\n";
    for (text, problem) in [
        (
            "kind: Organization\nmetadata: { name: acme }\nspec: {}",
            "apiVersion",
        ),
        (&format!("{v1}metadata: {{ name: acme }}"), "stand before"),
        (
            "apiVersion: eventflows/v2\nkind: Organization",
            "eventflows/v2",
        ),
        (&format!("{v1}kind: Queue"), "Queue"),
        (v1, "kind"),
        (
            &format!("{v1}kind: Organization\nmetadata: {{ name: acme }}"),
            "spec",
        ),
        ("- 1", "mapping"),
        (
            &format!("{v1}kind: TopicGrants\nmetadata: {{ broker: main }}\nspec: {{}}"),
            "either",
        ),
    ] {
        let error = error(text);
        assert!(error.contains(problem), "{text}: {error}");
    }
}

#[test]
fn a_thing_is_described_once() {
    let one = "apiVersion: eventflows/v1\nkind: Organization\nmetadata: { name: acme }\nspec: {}\n";
    assert_eq!(
        error(&format!("{one}---\n{one}")),
        "flow.yaml:6:1: Organization acme is described already, at flow.yaml:1:1"
    );
}
