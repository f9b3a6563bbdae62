//! What is read, and where an error is said to be.

use super::super::document::documents;
use super::super::to_yaml;
use super::*;

pub(crate) fn state(text: &str) -> Result<State, InputError> {
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

/// What somebody copies from a guide.
#[test]
fn the_files_in_the_guides_are_read() {
    for guide in [
        include_str!("../../../../docs/desired-state.md"),
        include_str!("../../../../docs/model-servers.md"),
    ] {
        let (_, file) = guide.split_once("```yaml\n").unwrap();
        let (file, _) = file.split_once("```").unwrap();
        assert_eq!(state(file).unwrap().listeners.len(), 1);
    }
}

#[test]
fn what_is_written_is_read_back_the_same() {
    let first = state(EVERYTHING).unwrap();
    assert_eq!(documents(&first).len(), 6);
    let written = to_yaml(&first).unwrap();
    let second = state(&written).unwrap_or_else(|error| panic!("{error}\n{written}"));
    assert_eq!(first, second, "{written}");
    assert_eq!(written, to_yaml(&second).unwrap());
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
    assert!(wrong.starts_with("flow.yaml:11:5: "), "{wrong}");
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
fn a_file_without_a_document_is_refused() {
    for text in ["", "\n", "# a comment\n", "---\n---\n"] {
        assert_eq!(error(text), "flow.yaml contains no document");
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
        (
            &format!("{v1}metadata: {{ name: acme }}"),
            "must come before",
        ),
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
        "flow.yaml:6:1: Organization acme is already described at flow.yaml:1:1"
    );
}

const ORGANIZATION: &str = "apiVersion: eventflows/v1\nkind: Organization\nmetadata: ";

#[test]
fn an_unquoted_name_is_taken_as_written_or_refused_where_it_is() {
    for name in [
        "no",
        "on",
        "yes",
        "1e3",
        "0x1f",
        "010",
        "1_0",
        "2026-01-01",
        "12:30",
        "1.10",
    ] {
        let text =
            format!("{ORGANIZATION}\n  name: {name}\nspec:\n  members:\n    {name}: OWNER\n");
        match state(&text) {
            Ok(state) => {
                let (organization, members) = state.organizations.first_key_value().unwrap();
                assert_eq!(organization.as_str(), name);
                assert_eq!(members.first_key_value().unwrap().0.as_str(), name);
            }
            Err(error) => assert!(error.to_string().starts_with("flow.yaml:4:9: "), "{error}"),
        }
    }
    for name in ["null", "~", "Null", ""] {
        let refused = error(&format!("{ORGANIZATION}{{ name: {name} }}\nspec: {{}}\n"));
        assert!(refused.starts_with("flow.yaml:3:"), "{name}: {refused}");
        let members = format!("spec:\n  members:\n    {name}: OWNER\n");
        let refused = error(&format!("{ORGANIZATION}{{ name: acme }}\n{members}"));
        assert!(refused.starts_with("flow.yaml:"), "{name}: {refused}");
    }
}

#[test]
fn a_topic_is_taken_as_written() {
    for topic in [
        "1.10",
        "0777",
        "1e3",
        "0x1F",
        "2026-01-01",
        "no",
        "1_0",
        "010",
    ] {
        let metadata = format!("{{ broker: main, topic: {topic} }}");
        let text = format!(
            "apiVersion: eventflows/v1\nkind: TopicGrants\nmetadata: {metadata}\n\
             spec: {{ publish: [acme] }}\n"
        );
        let state = state(&text).unwrap();
        let (scope, _) = state.grants.first_key_value().unwrap();
        assert_eq!(scope.to_string(), format!("main/{topic}"));
    }
}

#[test]
fn a_number_or_a_flag_that_yaml_versions_read_differently_is_refused_where_it_is() {
    let settings = |line: &str| {
        format!("{HEAD}  version: latest\n  settings:\n    start: {{ at: EARLIEST }}\n    {line}\n")
    };
    assert!(state(&settings("concurrency: 10")).is_ok());
    for number in [
        "010", "1_0", "'10'", "1e1", "10.0", "-1", "0o", "12:30", "ten", "null",
    ] {
        let refused = error(&settings(&format!("concurrency: {number}")));
        assert!(refused.starts_with("flow.yaml:11:"), "{number}: {refused}");
    }
    let refused = error(&settings("retry: { maxAttempts: 010 }"));
    assert!(refused.starts_with("flow.yaml:11:"), "{refused}");
    for flag in ["yes", "on", "y", "1"] {
        let start = "settings: { start: { at: EARLIEST } }";
        let text = format!("{HEAD}  version: latest\n  {start}\n  paused: {flag}\n");
        let refused = error(&text);
        assert!(
            refused.starts_with("flow.yaml:10:11: "),
            "{flag}: {refused}"
        );
    }
}

#[test]
fn a_key_that_is_written_twice_is_refused_where_it_is() {
    let members = "spec:\n  members:\n    ada: OWNER\n    ada: MEMBER\n";
    let refused = error(&format!("{ORGANIZATION}{{ name: acme }}\n{members}"));
    assert!(refused.starts_with("flow.yaml:7:5: "), "{refused}");
    assert!(refused.contains("duplicate"), "{refused}");
    let versions = "spec:\n  versions:\n    1.0.0: { endpoint: a }\n    '1.0.0': { endpoint: b }\n";
    let algorithm = "apiVersion: eventflows/v1\nkind: Algorithm\nmetadata: { name: acme/score }\n";
    let refused = error(&format!("{algorithm}{versions}"));
    assert!(refused.starts_with("flow.yaml:7:5: "), "{refused}");
    let refused = error(&format!(
        "{ORGANIZATION}{{ name: acme, name: zeta }}\nspec: {{}}\n"
    ));
    assert!(refused.starts_with("flow.yaml:3:"), "{refused}");
}

#[test]
fn a_byte_order_mark_line_ends_of_windows_and_anchors_change_nothing() {
    let plain = state(EVERYTHING).unwrap();
    assert_eq!(state(&format!("\u{feff}{EVERYTHING}")).unwrap(), plain);
    assert_eq!(state(&EVERYTHING.replace('\n', "\r\n")).unwrap(), plain);
    let anchored = EVERYTHING
        .replace(
            "retry: { maxAttempts: 7 }",
            "retry: &retry { maxAttempts: 7 }",
        )
        .replace(
            "    1.10.0-rc.1:\n      endpoint: http",
            "    1.10.0-rc.1:\n      endpoint: &rc http",
        );
    assert_eq!(state(&anchored).unwrap(), plain);
    let error = error("apiVersion: eventflows/v1\r\nkind: Queue\r\n");
    assert!(error.starts_with("flow.yaml:2:7: "), "{error}");
}

#[test]
fn a_merged_mapping_counts_as_written_out() {
    let versions = "spec:\n  versions:\n    1.0.0: &first { endpoint: http://a/, timeoutMs: 7 }\n    \
                    2.0.0: { <<: *first, endpoint: http://b/ }\n";
    let algorithm = "apiVersion: eventflows/v1\nkind: Algorithm\nmetadata: { name: acme/score }\n";
    let state = state(&format!("{algorithm}{versions}")).unwrap();
    let (_, algorithm) = state.algorithms.first_key_value().unwrap();
    let (_, second) = algorithm.versions.last_key_value().unwrap();
    assert_eq!(
        (second.endpoint.as_str(), second.timeout_ms),
        ("http://b/", 7)
    );
}
