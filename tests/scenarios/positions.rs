//! Where a listener goes on when its topic, or what the broker knows of it, is not what it was.

use std::collections::BTreeSet;

use brokers::kafka::{KafkaAdmin, KafkaSettings};
use serde_json::json;
use tests::{Endpoint, Eventflows, Flow, FlowOptions, Kafka, eventually};

fn admin(kafka: &Kafka) -> KafkaAdmin {
    KafkaAdmin::new(KafkaSettings::new(vec![kafka.address().to_owned()])).unwrap()
}

async fn produce(kafka: &Kafka, prefix: &str, count: usize) -> BTreeSet<String> {
    let mut bodies = BTreeSet::new();
    for number in 0..count {
        let body = format!("{prefix}-{number}");
        let key = Some(body.as_str());
        kafka
            .produce_with("orders", key, &[], body.as_bytes())
            .await;
        bodies.insert(body);
    }
    bodies
}

/// Waits until the endpoint was called with each of those bodies, and finds no other.
async fn until_called(endpoint: &Endpoint, wanted: &BTreeSet<String>) {
    let called = || {
        let calls = endpoint.calls().into_iter();
        let texts = calls.map(|call| String::from_utf8_lossy(&call.body).into_owned());
        texts.collect::<BTreeSet<_>>()
    };
    eventually("the calls", async || {
        called().is_superset(wanted).then_some(())
    })
    .await;
    assert_eq!(called(), *wanted);
}

#[tokio::test]
async fn a_topic_that_is_created_again_is_a_new_one_to_its_listener() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    let mut wanted = produce(&kafka, "old", 10).await;
    flow.until_ended(10, 0).await;

    kafka.delete("orders").await;
    kafka.create(&["orders"], 4).await;
    wanted.append(&mut produce(&kafka, "new", 10).await);
    until_called(&endpoint, &wanted).await;
    let results = kafka.until_records("scores", 20).await;
    let ids = results
        .iter()
        .map(|result| result.header("eventflows-run-id"));
    assert!(ids.collect::<BTreeSet<_>>().len() >= 20);
}

#[tokio::test]
async fn a_group_that_the_broker_has_forgotten_costs_and_repeats_nothing() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let mut options = FlowOptions::to(endpoint.url("/"));
    options.settings["start"] = json!({ "at": "LATEST" });
    let flow = Flow::set_up(&eventflows, &kafka, options).await;
    flow.until_consumers(1).await;
    let group = flow.look("consumerGroup").await["consumerGroup"].clone();
    // Until it has found the end, what is written comes before it.
    let mut first = 0;
    while endpoint.calls().is_empty() {
        kafka
            .produce("orders", format!("first-{first}").as_bytes())
            .await;
        first += 1;
    }
    let disable = "mutation($id: ID!) { it: listenerPause(id: $id, input: {}) \
                   { userErrors { code message } } }";
    flow.api.done(disable, json!({ "id": flow.listener })).await;
    flow.until_consumers(0).await;
    let called = endpoint.calls().len();
    admin(&kafka)
        .delete_group(group.as_str().unwrap())
        .await
        .unwrap();
    let missed = produce(&kafka, "while paused", 5).await;
    let resume = "mutation($id: ID!) { it: listenerResume(id: $id, input: {}) \
                  { userErrors { code message } } }";
    flow.api.done(resume, json!({ "id": flow.listener })).await;
    eventually("what was written meanwhile", async || {
        let calls = endpoint.calls();
        let texts = calls
            .iter()
            .map(|call| String::from_utf8_lossy(&call.body).into_owned());
        missed.is_subset(&texts.collect()).then_some(())
    })
    .await;
    let again: BTreeSet<_> = endpoint.calls()[..called]
        .iter()
        .map(|call| call.body.clone())
        .collect();
    let later = &endpoint.calls()[called..];
    assert!(
        later.iter().all(|call| !again.contains(&call.body)),
        "nothing is called again"
    );
}

#[tokio::test]
async fn after_a_reset_everything_is_read_again_once_as_other_runs() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    produce(&kafka, "old", 10).await;
    flow.until_ended(10, 0).await;
    let preview = "query($id: ID!) { it: listenerResetPositionPreview(\
                   id: $id, to: { end: EARLIEST }) { waiting waitingAfterwards problem } }";
    eventually("what is committed", async || {
        let told = flow.api.ask(preview, json!({ "id": flow.listener })).await;
        let wanted = json!({ "waiting": "0", "waitingAfterwards": "10", "problem": null });
        (told["it"] == wanted).then_some(())
    })
    .await;

    let reset = "mutation($id: ID!) { it: listenerResetPosition(id: $id, \
                 input: { to: { end: EARLIEST } }) { userErrors { code message } } }";
    flow.api.done(reset, json!({ "id": flow.listener })).await;
    flow.until_ended(20, 0).await;
    let results = async |wanted| {
        let results = kafka.until_records("scores", wanted).await;
        let ids = results
            .iter()
            .map(|result| result.header("eventflows-run-id"));
        (ids.collect::<BTreeSet<_>>().len(), results.len())
    };
    assert_eq!(results(20).await, (20, 20));

    let _eventflows = eventflows.stop_and_restart(|_| {}).await;
    produce(&kafka, "new", 5).await;
    assert_eq!(results(25).await, (25, 25));
    let calls = endpoint.calls().len();
    assert_eq!(calls, 25, "nothing is called a third time");
}
