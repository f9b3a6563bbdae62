//! Every step is an event, to be read and followed from any position.

use serde_json::{Value, json};
use tests::wait::eventually;
use tests::{Endpoint, Eventflows, Flow, FlowOptions, Kafka};

const PAGE: &str = "query($first: Int, $after: Position) { events(first: $first, after: $after, \
    order: ASCENDING) { nodes { position type stream streamRevision recordedAt actor { __typename name } \
    uuid correlationId cause { uuid } payload } pageInfo { hasNextPage endCursor } } }";

async fn all(flow: &Flow, first: u32) -> Vec<Value> {
    let mut events = Vec::new();
    let mut after = Value::Null;
    loop {
        let variables = json!({ "first": first, "after": after });
        let page = flow.api.ask(PAGE, variables).await["events"].clone();
        events.extend(page["nodes"].as_array().unwrap().iter().cloned());
        if page["pageInfo"]["hasNextPage"] != true {
            return events;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

#[tokio::test]
async fn the_life_of_a_flow_is_told_in_order() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    flow.until_consumers(1).await;
    flow.disable().await;

    let events = all(&flow, 3).await;
    let mut told = events.iter().map(|event| event["type"].as_str().unwrap());
    for expected in [
        "BROKER_CONNECTED",
        "TOPIC_GRANTED",
        "LISTENER_ENABLED",
        "DLQ_SET",
        "CONSUMER_STARTED",
        "LISTENER_DISABLED",
        "CONSUMER_STOPPED",
    ] {
        assert!(told.any(|kind| kind == expected), "{expected} in its place");
    }
    for (number, event) in (1..).zip(&events) {
        assert_eq!(event["position"], number.to_string());
        for field in ["correlationId", "uuid"] {
            event[field]
                .as_str()
                .unwrap()
                .parse::<uuid::Uuid>()
                .unwrap();
        }
        let kind = event["type"].as_str().unwrap();
        let of_workers = ["WORKER", "CONSUMER", "JOURNAL"];
        let by_worker = of_workers.iter().any(|word| kind.starts_with(word));
        let actor = if by_worker {
            "WorkerActor"
        } else {
            "UserActor"
        };
        assert_eq!(event["actor"]["__typename"], actor, "{kind}");
        if !by_worker {
            assert_eq!(event["actor"]["name"], "admin");
        }
    }
    // Both came of one request.
    let of = |kind: &str| events.iter().find(|e| e["type"] == kind).unwrap();
    let correlation = |kind: &str| of(kind)["correlationId"].clone();
    assert_eq!(correlation("LISTENER_ENABLED"), correlation("DLQ_SET"));
    assert_eq!(of("DLQ_SET")["payload"]["dlq"], kafka.topic("orders-dlq"));
}

#[tokio::test]
async fn a_subscription_resumes_behind_any_position_without_gap_or_repetition() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    flow.until_consumers(1).await;
    let document = "subscription($after: Position) { events(after: $after) { position type } }";
    let mut expected = 1_u64;
    let mut after = Value::Null;
    for _ in 0..3 {
        let variables = json!({ "after": after });
        let mut events = flow.api.subscribe(document, variables).await;
        for _ in 0..3 {
            let event = events.next().await["events"].clone();
            assert_eq!(event["position"], expected.to_string());
            after = event["position"].clone();
            expected += 1;
        }
    }
    // What happens from now on arrives in the same subscription.
    let head = all(&flow, 100).await.last().unwrap()["position"].clone();
    let variables = json!({ "after": head });
    let mut events = flow.api.subscribe(document, variables).await;
    flow.disable().await;
    assert_eq!(events.next().await["events"]["type"], "LISTENER_DISABLED");
    assert_eq!(events.next().await["events"]["type"], "CONSUMER_STOPPED");
}

const LISTS: &str = "{ brokers { nodes { id name } } publishers { nodes { id versionSelector } } \
     listeners { nodes { id versionSelector deadLetterTopic { name } revision } } grants { nodes { id } } }";

#[tokio::test]
async fn read_models_thrown_away_are_rebuilt_from_the_log() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let data = tempfile::tempdir().unwrap();
    let eventflows = Eventflows::start_with(data, &[]).await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    flow.until_consumers(1).await;
    let before = flow.api.ask(LISTS, json!({})).await;
    let eventflows = eventflows
        .stop_and_restart(|data| {
            std::fs::remove_file(data.join("read.1.db")).unwrap();
        })
        .await;
    let after = eventflows.api().ask(LISTS, json!({})).await;
    assert_eq!(before, after);
}

#[tokio::test]
async fn read_models_are_rebuilt_beside_those_that_are_read() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let mut eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    flow.until_consumers(1).await;
    let before = flow.api.ask(LISTS, json!({})).await;
    let rebuild = "mutation { it: readModelsRebuild(input: { idempotencyKey: \"k\" }) { \
        readModels { generation } position userErrors { code message } } }";
    let generation = "{ readModels { generation } }";
    let first = flow.api.ask(generation, json!({})).await;
    assert_eq!(first["readModels"]["generation"], "1");
    let begun = flow.api.done(rebuild, json!({})).await;
    eventually("the next generation", async || {
        assert_eq!(flow.api.ask(LISTS, json!({})).await, before);
        let asked = "{ readModels { generation rebuilding } }";
        let asked = &flow.api.ask(asked, json!({})).await["readModels"];
        (asked["generation"] == "2" && asked["rebuilding"].is_null()).then_some(())
    })
    .await;
    assert_eq!(flow.api.ask(LISTS, json!({})).await, before);
    // The same request once more is no other rebuild.
    let again = flow.api.done(rebuild, json!({})).await;
    assert_eq!(again["position"], begun["position"]);
    assert_eq!(again["readModels"]["generation"], "2", "{again}");
    let told = "{ events(filter: { types: [READ_MODELS_REBUILT] }) { nodes { stream position } } }";
    let told = flow.api.ask(told, json!({})).await;
    let rebuilt = json!([{ "stream": "cluster", "position": begun["position"] }]);
    assert_eq!(told["events"]["nodes"], rebuilt);
    eventflows.terminate().await;
}
