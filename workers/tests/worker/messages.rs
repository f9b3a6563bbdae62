//! What a message says of itself, on its way to the endpoint and from there to a topic.

use brokers::{Metadata, Outgoing};
use bytes::Bytes;
use http::HeaderMap;
use serde_json::json;

use crate::endpoint::{echo, refuse};
use crate::world::{World, find, header, names};

const EVENT: [(&str, &str); 6] = [
    ("content-type", "application/json"),
    ("ce_specversion", "1.0"),
    ("ce_type", "com.shop.order"),
    ("ce_id", "A1"),
    ("ce_source", "/shop"),
    ("ce_tenant", "n"),
];

/// The headers of the first call.
fn called(world: &World) -> HeaderMap {
    let calls = &world.endpoint.as_ref().unwrap().calls;
    calls.lock().unwrap()[0].headers.clone()
}

#[tokio::test]
async fn an_event_is_passed_on_as_it_is_and_its_result_is_another() {
    let world = World::new(echo).await;
    world.broker.write("orders", &EVENT, b"{}");
    world.assign(|_| {});
    let worker = world.worker().await;
    let result = &world.outputs(1).await[0];
    let call = called(&world);
    assert_eq!(call["ce-id"], "A1");
    assert_eq!(call["ce-type"], "com.shop.order");
    assert_eq!(call["ce-tenant"], "n");
    let run = header(result, "eventflows-run-id");
    assert_eq!(call["idempotency-key"], run.as_str());
    assert_eq!(call["eventflows-run-id"], run.as_str());
    assert_eq!(header(result, "ce_id"), run);
    assert_eq!(header(result, "ce_type"), "eventflows.result");
    assert_eq!(header(result, "ce_source"), "/algorithms/acme/score/1.0.0");
    assert_eq!(find(result, "ce_tenant"), None);
    worker.stop().await;
}

#[tokio::test]
async fn an_answers_own_event_headers_are_not_those_of_the_result() {
    let world = World::new(echo).await;
    let endpoint = world.endpoint.as_ref().unwrap();
    endpoint.answer_with("ce-specversion", "0.3");
    endpoint.answer_with("ce-id", "theirs");
    endpoint.answer_with("ce-subject", "theirs");
    world.broker.write("orders", &[], b"{}");
    world.assign(|_| {});
    let worker = world.worker().await;
    let result = &world.outputs(1).await[0];
    assert_eq!(header(result, "ce_specversion"), "1.0");
    let run = header(result, "eventflows-run-id");
    assert_eq!(header(result, "ce_id"), run);
    assert_eq!(find(result, "ce_subject"), None);
    assert!(!names(result).iter().any(|name| name.starts_with("ce-")));
    worker.stop().await;
}

#[tokio::test]
async fn a_result_that_holds_an_event_has_no_attributes_beside_it() {
    let world = World::new(echo).await;
    let endpoint = world.endpoint.as_ref().unwrap();
    endpoint.answer_with("content-type", "application/cloudevents+json");
    world.broker.write("orders", &[], b"{}");
    world.assign(|_| {});
    let worker = world.worker().await;
    let result = &world.outputs(1).await[0];
    assert!(!names(result).iter().any(|name| name.starts_with("ce_")));
    let content_type = header(result, "content-type");
    assert_eq!(content_type, "application/cloudevents+json");
    worker.stop().await;
}

#[tokio::test]
async fn no_body_stays_none_and_an_empty_one_empty() {
    let world = World::new(refuse).await;
    for body in [None, Some(Bytes::new())] {
        world.broker.copy(&message(body), "orders");
    }
    world.assign(|assignment| assignment["settings"]["concurrency"] = json!(1));
    let worker = world.worker().await;
    let dead = world.dead_letters(2).await;
    let null = dead.iter().find(|dead| dead.body.is_none()).unwrap();
    assert_eq!(header(null, "trace"), "1");
    assert_eq!(null.key.as_deref(), Some(&b"k"[..]));
    assert!(dead.iter().any(|dead| dead.body == Some(Bytes::new())));
    world.settled(2).await;
    {
        let endpoint = world.endpoint.as_ref().unwrap();
        let calls = endpoint.calls.lock().unwrap();
        let said = calls
            .iter()
            .map(|call| call.headers.get("eventflows-null-body"));
        let nulls: Vec<_> = said.flatten().collect();
        assert_eq!(calls.len(), 2);
        assert_eq!(nulls, ["true"]);
    }
    worker.stop().await;
}

#[tokio::test]
async fn a_listener_that_skips_tombstones_sends_empty_bodies_only() {
    let world = World::new(echo).await;
    for body in [None, Some(Bytes::new())] {
        world.broker.copy(&message(body), "orders");
    }
    world.assign(|assignment| assignment["settings"]["tombstones"] = json!("SKIP"));
    let worker = world.worker().await;
    world.settled(2).await;
    assert_eq!(world.calls(), 1);
    assert!(!called(&world).contains_key("eventflows-null-body"));
    let ledger = worker.ledger().await;
    assert_eq!((ledger.filtered, ledger.succeeded), (1, 1));
    worker.stop().await;
}

#[tokio::test]
async fn bytes_keep_the_word_for_their_encoding_in_both_directions_and_over_a_crash() {
    let world = World::new(echo).await;
    let gzip = [
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
    ];
    world.broker.write("orders", &gzip, b"\x1f\x8b\x08");
    let endpoint = world.endpoint.as_ref().unwrap();
    endpoint.answer_with("content-encoding", "br");
    world.broker.refuse("scores", true);
    world.assign(|_| {});
    let worker = world.worker().await;
    world.reported("BLOCKED topic_unavailable").await;
    assert_eq!(called(&world)["content-encoding"], "gzip");
    assert_eq!(called(&world)["accept-encoding"], "identity");
    worker.kill().await;

    world.broker.refuse("scores", false);
    let worker = world.worker().await;
    let result = &world.outputs(1).await[0];
    assert_eq!(header(result, "content-encoding"), "br");
    assert_eq!(header(result, "content-type"), "text/x-answer");
    assert_eq!(world.calls(), 1);
    worker.stop().await;
}

fn message(body: Option<Bytes>) -> Outgoing {
    Outgoing {
        topic: String::new(),
        key: Some(Bytes::from_static(b"k")),
        headers: vec![("trace".into(), Some(Bytes::from_static(b"1")))],
        metadata: Metadata::default(),
        body,
    }
}
