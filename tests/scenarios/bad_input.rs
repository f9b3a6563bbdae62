//! Messages and endpoints that are not as they should be.

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};
use tests::flow::grant;
use tests::kafka::Record;
use tests::{Endpoint, Eventflows, Flow, FlowOptions, Kafka, eventually};

#[tokio::test]
async fn any_bytes_reach_the_endpoint_with_their_content_type() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    let raw: &[u8] = &[0xff, 0x00, 0xfe, b'\n', 0x80];
    let cases: [(&[u8], Option<&str>, &str); 5] = [
        (raw, None, "application/octet-stream"),
        (b"\xfe\xff image", Some("image/png"), "image/png"),
        (b"just text", None, "text/plain; charset=utf-8"),
        (b"{\"a\": 1}", None, "application/json"),
        (b"", None, "text/plain; charset=utf-8"),
    ];
    for (body, content_type, _) in &cases {
        let headers: Vec<_> = content_type.iter().map(|t| ("Content-Type", *t)).collect();
        kafka.produce_with("orders", None, &headers, body).await;
    }
    flow.until_ended(cases.len() as u64, 0).await;
    let calls = endpoint.calls();
    for (body, _, expected) in &cases {
        let call = calls.iter().find(|call| call.body == *body).unwrap();
        assert_eq!(call.headers["content-type"], *expected, "{body:?}");
    }
    let results = kafka.until_records("scores", cases.len()).await;
    assert!(
        results.iter().any(|record| record.body == raw),
        "bytes come back as they are"
    );
}

#[tokio::test]
async fn an_endpoint_that_is_down_is_tried_again_and_no_message_is_lost() {
    let kafka = Kafka::from_environment();
    let mut endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    kafka.produce("orders", b"before").await;
    flow.until_ended(1, 0).await;
    endpoint.go_down();
    for number in 0..30 {
        kafka
            .produce("orders", format!("during {number}").as_bytes())
            .await;
    }
    let reason = eventually("the listener says that it is blocked", async || {
        let listener = flow.look("consumers { nodes { state reason } }").await;
        let consumer = listener["consumers"]["nodes"][0].clone();
        (consumer["state"] == "BLOCKED").then(|| consumer["reason"].clone())
    })
    .await;
    assert!(!reason.as_str().unwrap().is_empty());
    endpoint.come_back().await;
    flow.until_ended(31, 0).await;
    eventually("the listener goes on", async || {
        let listener = flow.look("consumers { nodes { state } }").await;
        (listener["consumers"]["nodes"][0]["state"] == "RUNNING").then_some(())
    })
    .await;
    assert_eq!(kafka.until_records("scores", 31).await.len(), 31);
    assert_eq!(kafka.records("orders-dlq").await, []);
}

#[tokio::test]
async fn a_failing_message_is_tried_as_often_as_chosen_and_then_dead_lettered() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::start(|call| {
        if call.body.starts_with(b"flaky") {
            return (StatusCode::SERVICE_UNAVAILABLE, Bytes::new());
        }
        (StatusCode::OK, call.body.clone())
    })
    .await;
    let eventflows = Eventflows::start().await;
    let mut options = FlowOptions::to(endpoint.url("/"));
    options.settings["retry"]["maxAttempts"] = json!(3);
    let flow = Flow::set_up(&eventflows, &kafka, options).await;
    kafka.produce("orders", b"flaky").await;
    for _ in 0..10 {
        kafka.produce("orders", b"fine").await;
    }
    flow.until_ended(10, 1).await;
    let tries = endpoint
        .calls()
        .iter()
        .filter(|c| c.body.starts_with(b"flaky"))
        .count();
    assert_eq!(tries, 3);
    let dead = kafka.until_records("orders-dlq", 1).await;
    assert_eq!(dead[0].header("eventflows-reason"), "attempts_exhausted");
    assert_eq!(dead[0].header("eventflows-attempts"), "3");
}

#[tokio::test]
async fn a_message_above_the_limit_is_dead_lettered_and_never_sent() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let mut options = FlowOptions::to(endpoint.url("/"));
    options.settings["maxMessageBytes"] = json!(1000);
    let flow = Flow::set_up(&eventflows, &kafka, options).await;
    kafka.produce("orders", &[b'x'; 1001]).await;
    kafka.produce("orders", &[b'x'; 1000]).await;
    flow.until_ended(1, 1).await;
    assert_eq!(endpoint.calls().len(), 1);
    let dead = kafka.until_records("orders-dlq", 1).await;
    assert_eq!(dead[0].body.len(), 1001);
    assert_eq!(dead[0].header("eventflows-reason"), "message_too_large");
}

#[tokio::test]
async fn without_the_grant_of_its_dlq_a_listener_consumes_nothing_until_it_has_it_again() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::start(|call| {
        let faulty = &call.body[..] == b"faulty";
        let status = if faulty {
            StatusCode::BAD_REQUEST
        } else {
            StatusCode::OK
        };
        (status, Bytes::new())
    })
    .await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    kafka.produce("orders", b"first").await;
    flow.until_ended(1, 0).await;

    let revoke = "mutation($id: ID!) { it: grantRemove(id: $id, input: {}) \
                  { userErrors { code message } } }";
    let dead_letter = json!({ "id": flow.dead_letter_grant });
    flow.api.done(revoke, dead_letter).await;
    let dlq = kafka.topic("orders-dlq");
    let reason = format!("acme/score has no DEAD_LETTER or PUBLISH grant on {dlq}");
    eventually("the listener is blocked", async || {
        let listener = flow.look("consumers { nodes { state reason } }").await;
        (listener["consumers"]["nodes"][0]["state"] == "BLOCKED").then_some(())
    })
    .await;
    let listener = flow
        .look("enabled problem { code text } consumers { nodes { reason } }")
        .await;
    assert_eq!(listener["enabled"], true);
    assert_eq!(listener["problem"]["text"], reason);
    assert_eq!(
        listener["consumers"]["nodes"][0]["reason"],
        format!("dlq_not_granted: {reason}")
    );
    kafka.produce("orders", b"faulty").await;
    kafka.produce("orders", b"second").await;

    // Permitted another way, it continues where it was held.
    grant(&flow.api, &flow.topics[2], &flow.algorithm, "PUBLISH").await;
    flow.until_ended(2, 1).await;
    let called = endpoint.calls().into_iter().map(|call| call.body);
    let called: Vec<_> = called.collect();
    assert_eq!(called[0], "first");
    for good in ["first", "second"] {
        assert_eq!(called.iter().filter(|body| *body == good).count(), 1);
    }
    assert_eq!(kafka.until_records("orders-dlq", 1).await.len(), 1);
    // It is told only once nothing has held the listener for a while.
    let listener = eventually("the listener goes on", async || {
        let listener = flow
            .look("problem { code } consumers { nodes { state } }")
            .await;
        (listener["consumers"]["nodes"][0]["state"] == "RUNNING").then_some(listener)
    })
    .await;
    assert_eq!(listener["problem"], Value::Null);
}

#[tokio::test]
async fn without_a_dlq_a_faulty_message_holds_the_listener_until_there_is_one() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::start(|_| (StatusCode::BAD_REQUEST, Bytes::new())).await;
    let eventflows = Eventflows::start().await;
    let mut options = FlowOptions::to(endpoint.url("/"));
    options.dlq = false;
    let flow = Flow::set_up(&eventflows, &kafka, options).await;
    kafka.produce("orders", b"faulty").await;
    eventually("the listener is blocked", async || {
        let listener = flow.look("consumers { nodes { state reason } }").await;
        (listener["consumers"]["nodes"][0]["state"] == "BLOCKED").then_some(())
    })
    .await;
    let set = "mutation($id: ID!, $dlq: String!) { it: listenerUpdate(id: $id, \
               input: { dlq: $dlq }) { userErrors { code message } } }";
    let variables = json!({ "id": flow.listener, "dlq": kafka.topic("orders-dlq") });
    flow.api.done(set, variables).await;
    flow.until_ended(0, 1).await;
    assert_eq!(kafka.until_records("orders-dlq", 1).await.len(), 1);
}

#[tokio::test]
async fn a_dead_letter_queue_that_is_deleted_holds_the_listener_until_it_is_there_again() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::start(|_| (StatusCode::UNPROCESSABLE_ENTITY, Bytes::new())).await;
    let eventflows = Eventflows::start().await;
    let options = FlowOptions::to(endpoint.url("/"));
    let mut flow = Flow::set_up(&eventflows, &kafka, options).await;
    kafka.delete("orders-dlq").await;
    for number in 0..5 {
        kafka.produce("orders", number.to_string().as_bytes()).await;
    }
    eventually("the listener is blocked", async || {
        let listener = flow.look("consumers { nodes { state reason } }").await;
        let consumer = &listener["consumers"]["nodes"][0];
        let reason = consumer["reason"].as_str().unwrap_or_default();
        reason.starts_with("topic_unavailable").then_some(())
    })
    .await;
    flow.until_ended(0, 5).await;
    let calls = endpoint.calls().len();
    let eventflows = eventflows.kill_and_restart().await;
    flow.api = eventflows.api();
    let group = tests::load::group(&flow).await;
    let committed = kafka.committed("orders", &group).await;
    assert_eq!(committed.values().sum::<i64>(), 0, "nothing is settled");
    kafka.create(&["orders-dlq"], 4).await;
    let dead = kafka.until_records("orders-dlq", 5).await;
    let mut bodies: Vec<_> = dead.iter().map(Record::text).collect();
    bodies.sort();
    assert_eq!(bodies, ["0", "1", "2", "3", "4"]);
    assert_eq!(
        endpoint.calls().len(),
        calls,
        "what was decided is not asked again"
    );
    flow.until_ended(0, 5).await;
}
