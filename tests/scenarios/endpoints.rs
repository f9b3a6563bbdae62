//! Endpoints that fail for all, for a while or by half, and what that costs messages: nothing.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tests::random::Random;
use tests::{Answer, Endpoint, Eventflows, Flow, FlowOptions, Kafka, eventually};

async fn until_blocked(flow: &Flow) -> String {
    eventually("the listener is blocked", async || {
        let listener = flow.look("consumers { nodes { state reason } }").await;
        let consumer = &listener["consumers"]["nodes"][0];
        let reason = consumer["reason"].as_str().map(str::to_owned);
        reason.filter(|_| consumer["state"] == "BLOCKED")
    })
    .await
}

/// The flow with the settings that a listener has unless it is told otherwise.
async fn with_defaults(eventflows: &Eventflows, kafka: &Kafka, endpoint: &Endpoint) -> Flow {
    let mut options = FlowOptions::to(endpoint.url("/score"));
    options.settings = json!({ "start": { "at": "EARLIEST" } });
    Flow::set_up(eventflows, kafka, options).await
}

#[tokio::test]
async fn a_redirect_of_every_message_makes_none_a_dead_letter_and_names_where_to() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::answering(|call| match &call.path[..] {
        "/score" => {
            let moved = Answer::new(StatusCode::TEMPORARY_REDIRECT, Bytes::new());
            moved.with("location", "/score/")
        }
        _ => Answer::new(StatusCode::OK, call.body.clone()),
    })
    .await;
    let eventflows = Eventflows::start().await;
    let flow = with_defaults(&eventflows, &kafka, &endpoint).await;
    for number in 0..200 {
        kafka.produce("orders", number.to_string().as_bytes()).await;
    }
    let reason = until_blocked(&flow).await;
    assert!(reason.contains("307"), "{reason}");
    assert!(reason.contains("Location: /score/"), "{reason}");
    assert!(endpoint.calls().iter().all(|call| call.path == "/score"));
    // A person publishes the right one.
    let (api, url) = (&flow.api, endpoint.url("/score/"));
    tests::flow::publish(api, &flow.algorithm, "1.0.1", &url).await;
    let change = "mutation($id: ID!) { it: listenerUpdate(id: $id, \
                  input: { version: \"1.0.1\" }) { userErrors { code message } } }";
    api.done(change, json!({ "id": flow.listener })).await;
    flow.until_ended(200, 0).await;
    assert_eq!(kafka.records("orders-dlq").await, []);
}

#[tokio::test]
async fn an_endpoint_that_fails_seven_calls_of_ten_for_a_while_costs_no_message() {
    const BAD_CALLS: usize = 1500;
    const MESSAGES: u64 = 600;
    let kafka = Kafka::from_environment();
    let calls = AtomicUsize::new(0);
    let random = Random::of(21);
    let endpoint = Endpoint::start(move |call| {
        let is_bad = calls.fetch_add(1, Ordering::Relaxed) < BAD_CALLS;
        let fails = is_bad && random.below(10) < 7;
        let status = match fails {
            true => StatusCode::SERVICE_UNAVAILABLE,
            false => StatusCode::OK,
        };
        (status, call.body.clone())
    })
    .await;
    let eventflows = Eventflows::start().await;
    // With quick retries: the way to ten dead letters is short.
    let options = FlowOptions::to(endpoint.url("/"));
    let flow = Flow::set_up(&eventflows, &kafka, options).await;
    for number in 0..MESSAGES {
        kafka.produce("orders", number.to_string().as_bytes()).await;
    }
    until_blocked(&flow).await;
    flow.until_ended(MESSAGES, 0).await;
    assert!(endpoint.calls().len() > BAD_CALLS);
    assert_eq!(kafka.records("orders-dlq").await, []);
}

/// The date is in whole seconds, so that it may be nearly one earlier than was meant.
#[tokio::test]
async fn a_date_in_retry_after_is_waited_for_at_no_cost() {
    let kafka = Kafka::from_environment();
    let times = std::sync::Arc::new(Mutex::new(Vec::new()));
    let noted = std::sync::Arc::clone(&times);
    let endpoint = Endpoint::answering(move |call| {
        let now = now();
        let mut times = noted.lock().unwrap();
        times.push(now);
        if times.len() > 1 {
            return Answer::new(StatusCode::OK, call.body.clone());
        }
        let asked = now + SignedDuration::from_secs(4);
        let date = asked.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let busy = Answer::new(StatusCode::SERVICE_UNAVAILABLE, Bytes::new());
        busy.with("retry-after", &date).with(
            "date",
            &now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
        )
    })
    .await;
    let eventflows = Eventflows::start().await;
    let mut options = FlowOptions::to(endpoint.url("/"));
    options.settings["retry"]["maxAttempts"] = json!(1);
    let flow = Flow::set_up(&eventflows, &kafka, options).await;
    kafka.produce("orders", b"patient").await;
    flow.until_ended(1, 0).await;
    let times = times.lock().unwrap().clone();
    let [first, second] = times[..] else {
        panic!("two calls, not {times:?}");
    };
    let waited = second.duration_since(first);
    assert!(waited >= SignedDuration::from_secs(3), "{waited:?}");
    assert_eq!(flow.runs().await[0]["attemptCount"], 1);
}

#[expect(
    clippy::disallowed_methods,
    reason = "an endpoint has a clock of its own"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

/// An endpoint that has nothing to say says so with 204. Any other answer without a body is one.
#[tokio::test]
async fn only_204_publishes_nothing() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::start(|call| match &call.body[..] {
        b"204" => (StatusCode::NO_CONTENT, Bytes::new()),
        b"202" => (StatusCode::ACCEPTED, Bytes::new()),
        b"null" => (StatusCode::OK, "null".into()),
        b"empty" => (StatusCode::OK, Bytes::new()),
        _ => (StatusCode::OK, r#"{"result":null}"#.into()),
    })
    .await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    for body in ["204", "202", "null", "empty"] {
        kafka
            .produce_with("orders", Some(body), &[], body.as_bytes())
            .await;
    }
    flow.until_ended(4, 0).await;
    let published = kafka.until_records("scores", 3).await;
    let texts = |published: Vec<tests::kafka::Record>| {
        let texts = published.into_iter().map(|record| {
            let key = record.key.clone().unwrap();
            (String::from_utf8_lossy(&key).into_owned(), record.text())
        });
        let mut texts: Vec<_> = texts.collect();
        texts.sort();
        texts
    };
    let own = |key: &str, text: &str| (key.to_owned(), text.to_owned());
    let raw = [own("202", ""), own("empty", ""), own("null", "null")];
    assert_eq!(texts(published), raw);

    // In the original's envelope, too.
    let input = json!({
        "algorithmId": flow.algorithm, "version": "1.1.0", "protocol": "ALGORITHMIA",
        "endpoint": endpoint.url("/"),
    });
    let publish = "mutation($input: VersionPublishInput!) { it: versionPublish(input: $input) \
                   { userErrors { code message } } }";
    flow.api.done(publish, json!({ "input": input })).await;
    let change = "mutation($id: ID!) { it: listenerUpdate(id: $id, \
                  input: { version: \"1.1.0\" }) { userErrors { code message } } }";
    flow.api.done(change, json!({ "id": flow.listener })).await;
    for body in ["204", "enveloped"] {
        kafka
            .produce_with("orders", Some(body), &[], body.as_bytes())
            .await;
    }
    flow.until_ended(6, 0).await;
    let published = kafka.until_records("scores", 4).await;
    let all = [raw.to_vec(), vec![own("enveloped", "null")]].concat();
    let mut all = all;
    all.sort();
    assert_eq!(texts(published), all);
    assert_eq!(flow.look("problem { code }").await["problem"], Value::Null);
}
