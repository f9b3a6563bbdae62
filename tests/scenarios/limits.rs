//! What a client may send to the real server: headers, frames and messages beyond the limits.

use http::StatusCode;
use serde_json::{Value, json};
use tests::Eventflows;

const EVENTS: &str = "subscription { events { type } }";

fn subscribe(id: &str, query: &str) -> Value {
    json!({ "type": "subscribe", "id": id, "payload": { "query": query } })
}

#[tokio::test]
async fn the_whole_schema_can_be_read_and_fits_the_longest_answer() {
    let eventflows = Eventflows::start().await;
    let document = include_str!("../../api/src/limits/introspection.graphql");
    let answer = eventflows.api().ask(document, json!({})).await;
    let types = answer["__schema"]["types"].as_array().unwrap();
    assert!(types.iter().any(|ty| ty["name"] == "Listener"));
}

#[tokio::test]
async fn more_headers_than_anybody_needs_are_refused() {
    let eventflows = Eventflows::start().await;
    let headers: Vec<(&'static str, &str)> = (0..200)
        .map(|number| (&*format!("x-more-{number}").leak(), "x"))
        .collect();
    let body = json!({ "query": "{ __typename }" }).to_string();
    let (status, _) = eventflows.api().post(body, &headers).await;
    assert_eq!(status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
}

#[tokio::test]
async fn a_frame_above_the_limit_ends_the_socket() {
    let eventflows = Eventflows::start().await;
    let mut socket = eventflows.api().socket(&[]).await.unwrap();
    socket.tell(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.hear().await["type"], "connection_ack");
    let fits = " ".repeat(120 * 1024);
    socket
        .tell(json!({ "type": "ping", "payload": { "a": fits } }))
        .await;
    assert_eq!(socket.hear().await["type"], "pong");
    let too_large = " ".repeat(300 * 1024);
    socket
        .tell(json!({ "type": "ping", "payload": { "a": too_large } }))
        .await;
    assert_eq!(socket.closed().await, 1009);
}

#[tokio::test]
async fn a_flood_of_messages_ends_the_socket() {
    let eventflows = Eventflows::start().await;
    let mut socket = eventflows.api().socket(&[]).await.unwrap();
    socket.tell(json!({ "type": "connection_init" })).await;
    for _ in 0..110 {
        socket.tell(json!({ "type": "ping" })).await;
    }
    assert_eq!(socket.closed().await, 1013);
}

#[tokio::test]
async fn subscriptions_have_the_limits_of_queries() {
    let eventflows = Eventflows::start().await;
    let mut socket = eventflows.api().socket(&[]).await.unwrap();
    socket.tell(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.hear().await["type"], "connection_ack");
    let two = "subscription { events { type } more: events { type } }";
    let spread = "...A ".repeat(10);
    let fan_out = format!("subscription {{ {spread} }} fragment A on Subscription {{ ...A }}");
    let long = format!("{EVENTS} # {}", "x".repeat(33_000));
    for (id, document) in [("1", two), ("2", &*fan_out), ("3", &*long)] {
        socket.tell(subscribe(id, document)).await;
        let refusal = socket.hear().await;
        assert_eq!(refusal["type"], "error", "{refusal}");
        assert_eq!(refusal["id"], id);
        let code = &refusal["payload"][0]["extensions"]["code"];
        assert_eq!(*code, "TOO_COMPLEX", "{refusal}");
    }
    // A refused id is free again. The log begins with the server's own worker.
    socket.tell(subscribe("1", EVENTS)).await;
    let first = socket.hear().await;
    assert_eq!(
        (&first["type"], &first["id"]),
        (&json!("next"), &json!("1"))
    );
}
