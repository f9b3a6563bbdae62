//! A listener that keeps the order of its messages, on a real Kafka.

use std::collections::BTreeMap;

use serde_json::json;
use tests::{Endpoint, Eventflows, Flow, FlowOptions, Kafka, eventually};

const KEYS: usize = 5;
const MESSAGES_OF_A_KEY: usize = 60;

#[tokio::test]
async fn results_of_a_key_keep_their_order_over_kills() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let mut eventflows = Eventflows::start().await;
    let mut options = FlowOptions::to(endpoint.url("/"));
    options.settings["ordering"] = json!("KEY");
    let mut flow = Flow::set_up(&eventflows, &kafka, options).await;
    let shown = flow.look("settings { ordering }").await;
    assert_eq!(shown["settings"]["ordering"], "KEY");
    flow.until_consumers(1).await;
    for number in 0..MESSAGES_OF_A_KEY {
        for key in 0..KEYS {
            let body = format!("{key} {number}");
            let key = key.to_string();
            kafka
                .produce_with("orders", Some(&key), &[], body.as_bytes())
                .await;
        }
        if number % 20 == 10 {
            eventually("some calls before the kill", async || {
                (endpoint.calls().len() > number * KEYS / 2).then_some(())
            })
            .await;
            eventflows = eventflows.kill_and_restart().await;
            flow.api = eventflows.api();
        }
    }
    let messages = KEYS * MESSAGES_OF_A_KEY;
    flow.until_ended(messages as u64, 0).await;

    let results = eventually("every result", async || {
        let records = kafka.records("scores").await;
        let mut bodies: Vec<_> = records.iter().map(|record| record.text()).collect();
        bodies.sort_unstable();
        bodies.dedup();
        (bodies.len() == messages).then_some(records)
    });
    let mut by_key: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for record in results.await {
        let text = record.text();
        let (key, number) = text.split_once(' ').unwrap();
        let numbers = by_key.entry(key.to_owned()).or_default();
        numbers.push(number.parse().unwrap());
    }
    assert_eq!(by_key.len(), KEYS);
    for numbers in by_key.values_mut() {
        // A result may be published twice.
        numbers.dedup();
        assert_eq!(*numbers, (0..MESSAGES_OF_A_KEY).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn more_concurrency_than_partitions_is_a_warning_where_a_partition_has_one_call() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    let update = async |settings| {
        let document = "mutation($id: ID!, $input: ListenerUpdateInput!) { \
            it: listenerUpdate(id: $id, input: $input) \
            { warnings { code path } userErrors { code message } } }";
        let variables = json!({ "id": flow.listener, "input": { "settings": settings } });
        flow.api.done(document, variables).await["warnings"].clone()
    };
    let warnings = update(json!({ "ordering": "PARTITION", "concurrency": 1000 })).await;
    let path = json!(["input", "settings", "concurrency"]);
    let warning = json!([{ "code": "CONCURRENCY_EXCEEDS_PARTITIONS", "path": path }]);
    assert_eq!(warnings, warning);
    assert_eq!(update(json!({ "concurrency": 1 })).await, json!([]));
    assert_eq!(
        update(json!({ "ordering": "KEY", "concurrency": 1000 })).await,
        json!([])
    );
}
