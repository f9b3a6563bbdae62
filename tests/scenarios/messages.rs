//! What messages say of themselves, from topic to endpoint to topic.

use bytes::Bytes;
use http::StatusCode;
use tests::{Endpoint, Eventflows, Flow, FlowOptions, Kafka};

#[tokio::test]
async fn an_event_reaches_the_endpoint_as_it_is_and_its_result_is_an_event_of_kafka() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    let binary = [
        ("ce_specversion", "1.0"),
        ("ce_type", "com.shop.order"),
        ("ce_id", "A1"),
        ("ce_source", "/shop"),
        ("content-type", "application/json"),
    ];
    kafka.produce_with("orders", None, &binary, b"{}").await;
    let kind = "application/cloudevents+json; charset=utf-8";
    let structured = [("content-type", kind)];
    let event = br#"{"specversion":"1.0","type":"t","id":"A2","source":"/shop"}"#;
    kafka.produce_with("orders", None, &structured, event).await;
    flow.until_ended(2, 0).await;
    let calls = endpoint.calls();
    let call = calls.iter().find(|call| call.body == "{}").unwrap();
    assert_eq!(call.headers["ce-id"], "A1");
    assert_eq!(call.headers["ce-type"], "com.shop.order");
    let call = calls.iter().find(|call| call.body != "{}").unwrap();
    assert_eq!(call.headers["content-type"], kind);
    assert!(
        !call
            .headers
            .keys()
            .any(|name| name.as_str().starts_with("ce-"))
    );
    let results = kafka.until_records("scores", 2).await;
    for result in results {
        let run = result.header("eventflows-run-id");
        assert_eq!(result.header("ce_id"), run);
        assert_eq!(result.header("ce_specversion"), "1.0");
        assert_eq!(result.header("ce_type"), "eventflows.result");
    }
}

/// The topics take what a broker takes unless told otherwise, 1 MiB with everything around it.
#[tokio::test]
async fn what_does_not_fit_into_its_topic_holds_up_nothing() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::start(|call| match &call.body[..] {
        b"score" => (StatusCode::OK, noise(2 * 1024 * 1024)),
        b"fine" => (StatusCode::OK, call.body.clone()),
        _ => (StatusCode::UNPROCESSABLE_ENTITY, Bytes::new()),
    })
    .await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    let large = noise(1_048_400);
    for body in [&large[..], b"score", b"fine"] {
        kafka.produce("orders", body).await;
    }
    flow.until_ended(2, 1).await;
    let dead = &kafka.until_records("orders-dlq", 1).await[0];
    assert_eq!(dead.text(), "");
    assert_eq!(dead.header("eventflows-reason"), "refused");
    assert_eq!(dead.header("eventflows-body"), "omitted");
    assert_eq!(dead.header("eventflows-body-bytes"), "1048400");
    assert_eq!(dead.header("eventflows-body-sha256").len(), 64);
    let results = kafka.until_records("scores", 1).await;
    assert_eq!(results[0].text(), "fine");
}

/// Bytes that cannot be compressed.
fn noise(bytes: usize) -> Bytes {
    let mut state = 1_u64;
    let next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(bytes).collect()
}
