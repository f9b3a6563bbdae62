//! Messages that are called together, with the binary and Kafka.

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};
use tests::{Endpoint, Eventflows, Flow, FlowOptions, Kafka};

/// Most calls are batches; some have a faulty message in them.
#[tokio::test]
async fn batches_lose_nothing_and_end_each_message_by_itself() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::start(|call| {
        let lines = call.body.split(|byte| *byte == b'\n');
        let orders = lines.filter(|line| !line.is_empty());
        let orders: Vec<Value> = orders
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        if orders.iter().any(|order| order["bad"] == true) {
            return (StatusCode::UNPROCESSABLE_ENTITY, Bytes::from_static(b"no"));
        }
        let results = orders.iter().map(|order| format!("{}\n", order["number"]));
        (StatusCode::OK, results.collect::<String>().into())
    })
    .await;
    let eventflows = Eventflows::start().await;
    let mut options = FlowOptions::to(endpoint.url("/"));
    options.settings["batch"] = json!({ "format": "NDJSON", "count": 16, "waitMs": 50 });
    let flow = Flow::set_up(&eventflows, &kafka, options).await;
    const ORDERS: usize = 200;
    for number in 0..ORDERS {
        let order = json!({ "number": number, "bad": number % 50 == 7 }).to_string();
        kafka.produce("orders", order.as_bytes()).await;
    }
    flow.until_ended(ORDERS as u64 - 4, 4).await;
    let results = kafka.until_records("scores", ORDERS - 4).await;
    let mut numbers: Vec<usize> = results
        .iter()
        .map(|record| serde_json::from_slice(&record.body).unwrap())
        .collect();
    numbers.sort_unstable();
    let good = (0..ORDERS).filter(|number| number % 50 != 7);
    assert_eq!(numbers, good.collect::<Vec<_>>());
    let dead = kafka.until_records("orders-dlq", 4).await;
    for record in &dead {
        let order: Value = serde_json::from_slice(&record.body).unwrap();
        assert_eq!(order["bad"], true);
        assert_eq!(record.header("eventflows-reason"), "refused");
    }
    let calls = endpoint.calls();
    assert!(calls.len() < ORDERS, "{} calls", calls.len());
}
