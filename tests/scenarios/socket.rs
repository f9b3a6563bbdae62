//! The WebSocket speaks `graphql-transport-ws`, and nothing else.

use serde_json::{Value, json};
use tests::Eventflows;

fn subscribe(id: &str, query: &str) -> Value {
    json!({ "type": "subscribe", "id": id, "payload": { "query": query } })
}

const EVENTS: &str = "subscription { events { type } }";

#[tokio::test]
async fn a_foreign_page_gets_no_socket() {
    let eventflows = Eventflows::start().await;
    let refused = eventflows
        .api()
        .socket(&[("origin", "http://evil.example")])
        .await;
    assert_eq!(refused.err(), Some(403));
}

#[tokio::test]
async fn a_client_that_breaks_the_protocol_is_closed_with_its_code() {
    let eventflows = Eventflows::start().await;
    let init = json!({ "type": "connection_init" });
    for (messages, code) in [
        (vec![subscribe("1", EVENTS)], 4401),
        (vec![init.clone(), init.clone()], 4429),
        (vec![init.clone(), json!({ "type": "start" })], 4400),
        (
            vec![init.clone(), subscribe("1", EVENTS), subscribe("1", EVENTS)],
            4409,
        ),
    ] {
        let mut socket = eventflows.api().socket(&[]).await.unwrap();
        for message in messages {
            socket.tell(message).await;
        }
        assert_eq!(socket.closed().await, code);
    }
}

#[tokio::test]
async fn a_socket_has_at_most_fifty_subscriptions() {
    let eventflows = Eventflows::start().await;
    let mut socket = eventflows.api().socket(&[]).await.unwrap();
    socket.tell(json!({ "type": "connection_init" })).await;
    for number in 0..51 {
        socket.tell(subscribe(&number.to_string(), EVENTS)).await;
    }
    assert_eq!(socket.closed().await, 4429);
}

#[tokio::test]
async fn a_completed_subscription_is_silent_and_its_id_free() {
    let eventflows = Eventflows::start().await;
    let create = "mutation { it: organizationCreate(input: { name: \"acme\" }) \
                  { userErrors { code message } } }";
    eventflows.api().done(create, json!({})).await;
    let mut socket = eventflows.api().socket(&[]).await.unwrap();
    socket.tell(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.hear().await["type"], "connection_ack");
    socket.tell(subscribe("1", EVENTS)).await;
    socket.tell(json!({ "type": "complete", "id": "1" })).await;
    socket.tell(json!({ "type": "ping" })).await;
    while socket.hear().await["type"] != "pong" {}
    socket.tell(subscribe("1", EVENTS)).await;
    let first = socket.hear().await;
    assert_eq!(
        (&first["type"], &first["id"]),
        (&json!("next"), &json!("1"))
    );
}

#[tokio::test]
async fn mutations_do_not_go_over_the_socket() {
    let eventflows = Eventflows::start().await;
    let mut socket = eventflows.api().socket(&[]).await.unwrap();
    socket.tell(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.hear().await["type"], "connection_ack");
    let create = "mutation { organizationCreate(input: { name: \"a\" }) { position } }";
    socket.tell(subscribe("1", create)).await;
    assert_eq!(socket.hear().await["type"], "error");
    let list = "{ organizations { nodes { id } } }";
    let answer = eventflows.api().ask(list, json!({})).await;
    assert_eq!(answer["organizations"]["nodes"], json!([]));
}

#[tokio::test]
async fn the_end_of_a_subscription_does_not_end_the_next_of_its_id() {
    let eventflows = Eventflows::start().await;
    let mut socket = eventflows.api().socket(&[]).await.unwrap();
    socket.tell(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.hear().await["type"], "connection_ack");
    for _ in 0..20 {
        socket.tell(subscribe("1", EVENTS)).await;
        socket.tell(json!({ "type": "complete", "id": "1" })).await;
    }
    socket.tell(subscribe("1", EVENTS)).await;
    socket.tell(json!({ "type": "ping" })).await;
    let mut wanted = vec!["next", "pong"];
    while !wanted.is_empty() {
        let message = socket.hear().await;
        let kind = message["type"].as_str().unwrap();
        assert_ne!(kind, "complete", "{message}");
        wanted.retain(|wanted| *wanted != kind);
    }
}
