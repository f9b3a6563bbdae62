//! Who could read what, at every position and time of a small history.

use std::sync::{Arc, Mutex};

use domain::testing::{meta, user};
use domain::{Clock, CommandId, EventId, NewEvent, Position, StreamName};
use event_store::{Append, EventStore, Expected, SqliteEventStore};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use super::AsOf;
use crate::failure::Failure;

const BROKER: &str = "ea42581f-ed52-58a3-b3f9-4f60d5b95057";

/// What happened: seconds after the start, type, payload without the broker.
type Told = (i64, &'static str, &'static str);

const HISTORY: [Told; 14] = [
    (10, "OrganizationCreated", r#"{"name":"acme"}"#),
    (
        20,
        "AlgorithmRegistered",
        r#"{"algorithm":"acme/score","description":""}"#,
    ),
    (
        30,
        "VersionPublished",
        r#"{"algorithm":"acme/score","version":"1.0.0","endpoint":"http://127.0.0.1:9000/","protocol":"RAW","timeout_ms":1000}"#,
    ),
    (
        40,
        "BrokerConnected",
        r#"{"broker":"C","name":"main","settings":{"kind":"KAFKA","bootstrap_servers":["127.0.0.1:9092"],"security":"PLAINTEXT"}}"#,
    ),
    (
        50,
        "TopicsChanged",
        r#"{"broker":"C","topics":[{"name":"orders","partitions":4},{"name":"scores","partitions":1}]}"#,
    ),
    (
        60,
        "TopicGranted",
        r#"{"broker":"C","topic":"orders","grantee":{"algorithm":"acme/score"},"access":"SUBSCRIBE"}"#,
    ),
    (
        60,
        "TopicGranted",
        r#"{"broker":"C","topic":"scores","grantee":{"algorithm":"acme/score"},"access":"PUBLISH"}"#,
    ),
    (
        70,
        "ListenerEnabled",
        r#"{"broker":"C","topic":"orders","algorithm":"acme/score","version":"1.*","settings":{"start":{"at":"EARLIEST"},"concurrency":16,"retry":{"max_attempts":5,"initial_backoff_ms":500,"max_backoff_ms":60000},"faults":"BLOCK","max_message_bytes":1048576}}"#,
    ),
    (
        80,
        "PublisherEnabled",
        r#"{"broker":"C","topic":"scores","algorithm":"acme/score","version":"1.*"}"#,
    ),
    (
        90,
        "ListenerVersionChanged",
        r#"{"broker":"C","topic":"orders","algorithm":"acme/score","version":"latest"}"#,
    ),
    (
        100,
        "TopicRevoked",
        r#"{"broker":"C","topic":"orders","grantee":{"algorithm":"acme/score"},"access":"SUBSCRIBE"}"#,
    ),
    (
        110,
        "ListenerDisabled",
        r#"{"broker":"C","topic":"orders","algorithm":"acme/score","cause":"5b7ad9c1-0000-5000-8000-000000000002"}"#,
    ),
    (
        120,
        "TopicRevoked",
        r#"{"broker":"C","topic":"scores","grantee":{"algorithm":"acme/score"},"access":"PUBLISH"}"#,
    ),
    (
        130,
        "PublisherDisabled",
        r#"{"broker":"C","topic":"scores","algorithm":"acme/score","cause":"5b7ad9c1-0000-5000-8000-000000000002"}"#,
    ),
];

fn at(seconds: i64) -> Timestamp {
    Timestamp::constant(1_795_000_000, 0) + SignedDuration::from_secs(seconds)
}

#[derive(Default)]
struct SetClock(Mutex<Timestamp>);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

async fn log(temp: &TempDir) -> Arc<dyn EventStore> {
    log_of(temp, &HISTORY).await
}

async fn log_of(temp: &TempDir, history: &[Told]) -> Arc<dyn EventStore> {
    let clock = Arc::new(SetClock::default());
    let path = temp.path().join("log.db");
    let store = SqliteEventStore::open(&path, clock.clone()).await.unwrap();
    for (number, (seconds, type_name, payload)) in (1_u128..).zip(history.iter().copied()) {
        *clock.0.lock().unwrap() = at(seconds);
        let command = CommandId(Uuid::from_u128(number));
        let event = NewEvent {
            id: EventId::of_command(command, 0),
            type_name,
            schema_version: 1,
            payload: payload
                .replace("\"C\"", &format!("\"{BROKER}\""))
                .into_bytes(),
        };
        let append = Append {
            // Projections go by the order of the log, whatever the streams.
            stream: StreamName(format!("any-{number}")),
            expected: Expected::NoStream,
            command,
            fingerprint: [0; 32],
            meta: meta(user("ann"), command),
            events: vec![event],
        };
        store.append(append).await.unwrap();
    }
    Arc::new(store)
}

async fn replay(log: Arc<dyn EventStore>, as_of: AsOf) -> Result<Value, Failure> {
    let scratch = TempDir::new().unwrap();
    super::replay(log, as_of, scratch.path()).await
}

fn topic(name: &str) -> String {
    format!("{BROKER}/{name}")
}

/// Who could read after so many events.
fn expected_readers(position: u64) -> Value {
    let version = match position {
        6..8 => json!(null),
        8..10 => json!("1.*"),
        10 => json!("latest"),
        _ => return json!([]),
    };
    json!([{
        "topic": topic("orders"),
        "algorithm": "acme/score",
        "since": at(60),
        "dead_letters_of": [],
        "did_with_version": version,
    }])
}

#[tokio::test]
async fn who_could_read_follows_grants_listeners_and_revocations_at_every_position() {
    let temp = TempDir::new().unwrap();
    let log = log(&temp).await;
    for position in 0..=HISTORY.len() as u64 {
        let state = replay(log.clone(), AsOf::Position(Position(position)))
            .await
            .unwrap();
        assert_eq!(state["position"], position);
        assert_eq!(
            state["could_read"],
            expected_readers(position),
            "{position}"
        );
        let access = |grant: &Value| grant["access"].as_str().unwrap().to_owned();
        let grants: Vec<_> = state["grants"]
            .as_array()
            .unwrap()
            .iter()
            .map(access)
            .collect();
        let expected: &[&str] = match position {
            6 => &["SUBSCRIBE"],
            7..11 => &["SUBSCRIBE", "PUBLISH"],
            11..13 => &["PUBLISH"],
            _ => &[],
        };
        let mut grants: Vec<_> = grants.iter().map(String::as_str).collect();
        grants.sort_by_key(|access| *access != "SUBSCRIBE");
        assert_eq!(grants, expected, "{position}");
        let enabled = |rows: &str| state[rows][0]["enabled"].as_bool();
        let listener = (position >= 8).then_some(position < 12);
        assert_eq!(enabled("listeners"), listener, "{position}");
        let publisher = (position >= 9).then_some(position < 14);
        assert_eq!(enabled("publishers"), publisher, "{position}");
        assert_eq!(
            state["brokers"].as_array().unwrap().len(),
            usize::from(position >= 4)
        );
    }
}

#[tokio::test]
async fn a_grant_of_a_pattern_to_an_organization_names_each_listener_that_read_by_it() {
    let granted = (
        75,
        "TopicPatternGranted",
        r#"{"broker":"C","pattern":"or*","grantee":{"organization":"acme"},"access":"SUBSCRIBE"}"#,
    );
    // Up to the listener's being enabled.
    let mut history = HISTORY[..8].to_vec();
    history.push(granted);
    let temp = TempDir::new().unwrap();
    let log = log_of(&temp, &history).await;
    let state = replay(log, AsOf::Position(Position(9))).await.unwrap();
    let readers = state["could_read"].as_array().unwrap();
    let wide = json!({
        "pattern": topic("or*"),
        "organization": "acme",
        "since": at(75),
        "dead_letters_of": [],
        "did": [{ "topic": topic("orders"), "algorithm": "acme/score", "version": "1.*" }],
    });
    assert!(readers.contains(&wide), "{readers:?}");
    assert_eq!(readers.len(), 2, "and the grant of the topic");
}

#[tokio::test]
async fn a_grant_of_a_dead_letter_queue_names_the_topics_whose_faulty_messages_it_lets_read() {
    let mut history = HISTORY[..8].to_vec();
    history.extend([
        (
            75,
            "TopicGranted",
            r#"{"broker":"C","topic":"failed","grantee":{"algorithm":"acme/mend"},"access":"SUBSCRIBE"}"#,
        ),
        (
            76,
            "DlqSet",
            r#"{"broker":"C","topic":"orders","algorithm":"acme/score","dlq":"failed"}"#,
        ),
        (
            77,
            "TopicGranted",
            r#"{"broker":"C","topic":"failed","grantee":{"algorithm":"acme/score"},"access":"DEAD_LETTER"}"#,
        ),
    ]);
    let temp = TempDir::new().unwrap();
    let log = log_of(&temp, &history).await;
    // Without the grant to dead-letter, nothing comes there.
    for (position, faulty) in [(10, json!([])), (11, json!([topic("orders")]))] {
        let as_of = AsOf::Position(Position(position));
        let state = replay(log.clone(), as_of).await.unwrap();
        let readers = state["could_read"].as_array().unwrap();
        let mending = readers
            .iter()
            .find(|reader| reader["topic"] == topic("failed"));
        assert_eq!(mending.unwrap()["dead_letters_of"], faulty, "{position}");
    }
}

#[tokio::test]
async fn a_time_means_the_state_after_the_last_event_that_was_recorded_by_then() {
    let temp = TempDir::new().unwrap();
    let log = log(&temp).await;
    for (time, position) in [
        (at(0), 0),
        (at(10), 1),
        (at(59), 5),
        // Two events were recorded then.
        (at(60), 7),
        (at(60) - SignedDuration::from_micros(1), 5),
        (at(99), 10),
        (at(100), 11),
        (at(1_000_000), 14),
    ] {
        let by_time = replay(log.clone(), AsOf::Time(time)).await.unwrap();
        let by_position = replay(log.clone(), AsOf::Position(Position(position)))
            .await
            .unwrap();
        assert_eq!(by_time, by_position, "{time}");
        let recorded_at = usize::try_from(position)
            .unwrap()
            .checked_sub(1)
            .map(|last| at(HISTORY[last].0));
        assert_eq!(by_time["recorded_at"], json!(recorded_at), "{time}");
    }
}

#[tokio::test]
async fn a_position_that_the_log_has_not_reached_is_refused() {
    let temp = TempDir::new().unwrap();
    let log = log(&temp).await;
    let refused = replay(log, AsOf::Position(Position(15))).await.unwrap_err();
    assert_eq!(refused.to_string(), "the log ends at position 14");
}

#[test]
fn the_past_is_named_by_a_position_or_a_time() {
    assert!(matches!("14".parse(), Ok(AsOf::Position(Position(14)))));
    let time: AsOf = "2026-11-21T08:00:00+01:00".parse().unwrap();
    let utc: Timestamp = "2026-11-21T07:00:00Z".parse().unwrap();
    assert!(matches!(time, AsOf::Time(time) if time == utc));
    for text in ["", "-1", "yesterday", "2026-11-21"] {
        assert!(text.parse::<AsOf>().is_err(), "{text}");
    }
}
