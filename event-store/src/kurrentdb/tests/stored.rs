//! What stands in KurrentDB, and comes back from it.

use domain::{CommandId, EventId, Position, Revision};
use kurrentdb::{AppendToStreamOptions, Client, EventData, ReadStreamOptions, ResolvedEvent};
use kurrentdb_stand_in::StandIn;
use uuid::Uuid;

use super::{open, start};
use crate::contract::{NOW, sample};
use crate::port::{Append, EventStore, Expected};

/// It is a contract: what has been stored is read by every later release.
const METADATA: &str = r#"{"event_id":"EVENT_ID","stream":"a \"1\"","revision":0,"schema_version":1,"recorded_at_us":1795000000123456,"command_id":"00000000-0000-c033-0000-000000000001","fingerprint":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=","command_event":0,"command_events":1,"meta":{"actor":{"kind":"user","name":"ann"},"correlation":"00000000-0000-c033-0000-000000000001","causation":"00000000-0000-c033-0000-000000000001"}}"#;

#[tokio::test]
async fn an_event_is_stored_as_its_bytes_and_metadata_as_json() {
    let server = start().await;
    let append = known();
    open(&server.url()).append(append.clone()).await.unwrap();
    let stored = first_event(&server).await;
    let stored = stored.get_original_event();
    let metadata = String::from_utf8(stored.custom_metadata.to_vec()).unwrap();
    assert_eq!(metadata, metadata_of(&append));
    assert_eq!(stored.event_type, "SampleTaken");
    assert_eq!(&stored.data[..], append.events[0].payload);
    assert!(stored.is_json);
    assert_ne!(stored.id, append.events[0].id.0);
}

#[tokio::test]
async fn what_an_earlier_release_has_stored_is_read_and_its_command_known() {
    let server = start().await;
    let append = known();
    let event = EventData::json("SampleTaken", &serde_json::json!({ "n": 0 }));
    let event = event.unwrap().metadata(metadata_of(&append).into());
    let client = Client::new(server.url().parse().unwrap()).unwrap();
    let options = AppendToStreamOptions::default();
    client
        .append_to_stream("eventflows", &options, event)
        .await
        .unwrap();
    let store = open(&server.url());
    let events = store.read_all(Position(0), 10).await.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].stream, append.stream);
    assert_eq!(events[0].id, append.events[0].id);
    assert_eq!(events[0].recorded_at.as_microsecond(), NOW.as_microsecond());
    assert_eq!(events[0].meta, append.meta);
    let answer = store.append(append).await.unwrap();
    assert_eq!((answer.last, answer.revision), (Position(1), Revision(0)));
    assert_eq!(server.events(), 1);
}

#[tokio::test]
async fn bytes_that_are_no_json_come_back_exactly() {
    let server = start().await;
    let store = open(&server.url());
    let payloads = [vec![], vec![0xff, 0, 0xfe], vec![0; 3], b" {}\n".to_vec()];
    let mut append = sample("a-\u{0}-1", Expected::NoStream, payloads.len());
    for (event, payload) in append.events.iter_mut().zip(&payloads) {
        event.payload.clone_from(payload);
    }
    store.append(append).await.unwrap();
    let reopened = open(&server.url());
    let stored = reopened.read_stored(Position(0), 10).await.unwrap();
    let found: Vec<_> = stored.into_iter().map(|event| event.payload).collect();
    assert_eq!(found, payloads);
}

/// An append that is the same in every run.
fn known() -> Append {
    let mut append = sample("a \"1\"", Expected::NoStream, 1);
    let command = Uuid::from_u64_pair(0xc033, 1);
    append.command = CommandId(command);
    append.fingerprint = [7; 32];
    append.meta.correlation.0 = command;
    append.meta.causation = command;
    append.events[0].id = EventId::of_command(append.command, 0);
    append
}

fn metadata_of(append: &Append) -> String {
    METADATA.replace("EVENT_ID", &append.events[0].id.0.to_string())
}

async fn first_event(server: &StandIn) -> ResolvedEvent {
    let client = Client::new(server.url().parse().unwrap()).unwrap();
    let options = ReadStreamOptions::default().max_count(1);
    let mut events = client.read_stream("eventflows", &options).await.unwrap();
    events.next().await.unwrap().unwrap()
}
