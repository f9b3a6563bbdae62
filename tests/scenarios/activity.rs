//! What a listener is doing, and why it is not moving.

use serde_json::{Value, json};
use tests::{Endpoint, Eventflows, Flow, FlowOptions, Kafka, eventually};

const FIELDS: &str = "activity { code text since } lag { messages seconds measuredAt } \
                      consumerStatuses { worker { uuid } code reason since partitionCount \
                      lag { messages } updatedAt stale }";

/// Waits until the listener says that, and answers what it shows.
async fn until(flow: &Flow, code: &str, text: &str) -> Value {
    eventually(&format!("{code}: {text}"), async || {
        let listener = flow.look(FIELDS).await;
        let activity = &listener["activity"];
        let said = activity["text"].as_str().unwrap();
        (activity["code"] == code && said.starts_with(text)).then_some(listener)
    })
    .await
}

#[tokio::test]
async fn a_backlog_is_shown_and_drains() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    endpoint.hold(|_| true);
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    until(&flow, "UP_TO_DATE", "It is running and up to date.").await;
    for number in 0..20 {
        let body = format!("message {number}");
        kafka.produce("orders", body.as_bytes()).await;
    }
    let shown = until(&flow, "BEHIND", "It is running, 20 messages behind.").await;
    assert_eq!(shown["lag"]["messages"], "20");
    assert!(shown["lag"]["seconds"].is_u64(), "{shown}");
    let consumer = &shown["consumerStatuses"][0];
    assert_eq!(consumer["code"], "ASSIGNED");
    assert_eq!(consumer["lag"]["messages"], "20");
    assert_eq!(consumer["stale"], false);
    assert!(consumer["partitionCount"].as_u64() > Some(0), "{shown}");
    assert!(consumer["worker"]["uuid"].is_string(), "{shown}");

    endpoint.release();
    let shown = until(&flow, "UP_TO_DATE", "It is running and up to date.").await;
    assert_eq!(shown["lag"]["messages"], "0");
    assert_eq!(shown["lag"]["seconds"], 0);
}

#[tokio::test]
async fn a_topic_that_is_deleted_is_missing_until_it_is_there_again() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    until(&flow, "UP_TO_DATE", "It is running").await;
    kafka.delete("orders").await;
    let text = "Its topic has been missing on the broker since ";
    let shown = until(&flow, "TOPIC_MISSING", text).await;
    assert_eq!(shown["lag"], Value::Null);
    assert!(shown["activity"]["since"].is_string(), "{shown}");
    kafka.create(&["orders"], 4).await;
    until(&flow, "UP_TO_DATE", "It is running").await;
}

#[tokio::test]
async fn a_paused_listener_says_who_paused_it_and_one_that_is_blocked_why() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    until(&flow, "UP_TO_DATE", "It is running").await;
    let pause = "mutation($id: ID!) { it: listenerPause(id: $id, input: {}) \
                 { position userErrors { code message } } }";
    let paused = flow.api.done(pause, json!({ "id": flow.listener })).await;
    until(&flow, "PAUSED", "admin paused it at ").await;
    eventually("no consumer", async || {
        let consumers = flow.look("consumerStatuses { code }").await;
        (consumers["consumerStatuses"] == json!([])).then_some(())
    })
    .await;
    let then = "query($id: ID!, $position: Position!) { \
                node(id: $id, asOf: { position: $position }) { ... on Listener { \
                paused activity { code } lag { messages } consumerStatuses { code } } } }";
    let variables = json!({ "id": flow.listener, "position": paused["position"] });
    let listener = flow.api.ask(then, variables).await["node"].clone();
    let expected =
        json!({ "paused": true, "activity": null, "lag": null, "consumerStatuses": null });
    assert_eq!(listener, expected);

    let resume = "mutation($id: ID!) { it: listenerResume(id: $id, input: {}) \
                  { userErrors { code message } } }";
    flow.api.done(resume, json!({ "id": flow.listener })).await;
    until(&flow, "UP_TO_DATE", "It is running").await;
    let revoke = "mutation($id: ID!) { it: grantRemove(id: $id, input: {}) \
                  { userErrors { code message } } }";
    let dead_letters = json!({ "id": flow.dead_letter_grant });
    flow.api.done(revoke, dead_letters).await;
    until(
        &flow,
        "DLQ_NOT_GRANTED",
        "It consumes nothing: acme/score has no DEAD_LETTER",
    )
    .await;
}
