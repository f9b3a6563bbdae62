//! Topics that producers write to in transactions.

use std::time::Duration;

use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use serde_json::Value;
use tests::{Endpoint, Eventflows, Flow, FlowOptions, Kafka, eventually};

/// Far longer than a broker needs for anything here.
const PATIENCE: Duration = Duration::from_secs(60);

/// A producer that is in a transaction.
fn transactional(kafka: &Kafka) -> FutureProducer {
    let producer = kafka.producer(&[("transactional.id", &kafka.topic("writer"))]);
    producer.init_transactions(PATIENCE).unwrap();
    producer.begin_transaction().unwrap();
    producer
}

/// Writes to the first partition of `orders`.
async fn write(producer: &FutureProducer, kafka: &Kafka, bodies: &[&str]) {
    let topic = kafka.topic("orders");
    for body in bodies {
        let record = FutureRecord::<(), _>::to(&topic).payload(*body);
        let sent = producer.send(record.partition(0), PATIENCE).await;
        sent.map_err(|(error, _)| error).unwrap();
    }
}

/// Waits until the listener says that, and answers what it shows.
async fn until(flow: &Flow, code: &str, text: &str) -> Value {
    eventually(&format!("{code}: {text}"), async || {
        let listener = flow
            .look("activity { code text since } lag { messages }")
            .await;
        let activity = &listener["activity"];
        let said = activity["text"].as_str().unwrap();
        (activity["code"] == code && said.starts_with(text)).then_some(listener)
    })
    .await
}

/// Each end of a transaction takes an offset that no message has.
#[tokio::test]
async fn what_was_aborted_is_not_called_and_the_ends_of_transactions_leave_no_lag() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    let producer = transactional(&kafka);
    write(&producer, &kafka, &["one", "two", "three"]).await;
    producer.commit_transaction(PATIENCE).unwrap();
    producer.begin_transaction().unwrap();
    write(&producer, &kafka, &["never", "never", "never"]).await;
    producer.abort_transaction(PATIENCE).unwrap();
    flow.until_ended(3, 0).await;
    until(&flow, "UP_TO_DATE", "It is running and up to date.").await;
    // Nor do they hide what comes behind them.
    write(&kafka.producer(&[]), &kafka, &["four"]).await;
    flow.until_ended(4, 0).await;
    until(&flow, "UP_TO_DATE", "It is running and up to date.").await;
    let calls = endpoint.calls();
    assert!(calls.iter().all(|call| &call.body[..] != b"never"));
    assert_eq!(calls.len(), 4);
}

#[tokio::test]
async fn messages_behind_an_open_transaction_wait_for_its_end_and_the_listener_says_so() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    let unfinished = transactional(&kafka);
    write(&unfinished, &kafka, &["open"]).await;
    let behind: Vec<String> = (0..10).map(|number| format!("behind {number}")).collect();
    let behind: Vec<&str> = behind.iter().map(String::as_str).collect();
    write(&kafka.producer(&[]), &kafka, &behind).await;
    let text = "A transaction on its topic has been open since ";
    let shown = until(&flow, "TRANSACTION_OPEN", text).await;
    let said = shown["activity"]["text"].as_str().unwrap();
    assert!(
        said.ends_with("up to 11 messages wait for its end."),
        "{said}"
    );
    assert!(shown["activity"]["since"].is_string(), "{shown}");
    assert_eq!(endpoint.calls().len(), 0);
    unfinished.abort_transaction(PATIENCE).unwrap();
    flow.until_ended(10, 0).await;
    until(&flow, "UP_TO_DATE", "It is running and up to date.").await;
    assert_eq!(endpoint.calls().len(), 10);
}
