//! Where listeners start, and that those which go on do not.

use serde_json::{Value, json};

use crate::counter::Alone;
use crate::inventory::Inventory;

const FLOWS: &str = "{ topics: brokerByName(name: \"main\") { topics { nodes { id name } } } \
    listeners { nodes { id algorithm { id } } } }";

const GRANT: &str = "mutation($input: TopicGrantInput!) { it: topicGrant(input: $input) \
    { userErrors { code } } }";

const ENABLE: &str = "mutation($input: ListenerEnableInput!) { it: listenerEnable(input: $input) { \
    listener { settings { start { at } } } userErrors { code path } warnings { code path } } }";

const DISABLE: &str = "mutation($id: ID!, $input: ListenerDisableInput!) { \
    it: listenerDisable(id: $id, input: $input) { userErrors { code } } }";

const PATH: [&str; 3] = ["input", "settings", "start"];

/// A listener of one topic, and another topic that it may read.
struct Start {
    inventory: Inventory,
    topics: [Value; 2],
    algorithm: Value,
    listener: Value,
}

impl Start {
    async fn on(inventory: Inventory) -> Self {
        let found = inventory.ask(FLOWS, json!({})).await;
        let listener = &found["listeners"]["nodes"][0];
        let (listener, algorithm) = (&listener["id"], &listener["algorithm"]["id"]);
        let topics = &found["topics"]["topics"]["nodes"];
        let topics = [&topics[0]["id"], &topics[1]["id"]].map(Value::clone);
        let granted = json!({ "input": {
            "topicId": topics[1], "algorithmId": algorithm, "access": "SUBSCRIBE",
            "idempotencyKey": "grant",
        } });
        let granted = inventory.ask(GRANT, granted).await;
        assert_eq!(granted["it"]["userErrors"], json!([]));
        Self {
            topics,
            algorithm: algorithm.clone(),
            listener: listener.clone(),
            inventory,
        }
    }

    async fn enable(&self, key: &str, topic: usize, with: Value) -> Value {
        let mut input = json!({
            "topicId": self.topics[topic], "algorithmId": self.algorithm, "version": "1.0.0",
            "idempotencyKey": key,
        });
        for (name, value) in with.as_object().unwrap() {
            input[name] = value.clone();
        }
        let answer = self.inventory.ask(ENABLE, json!({ "input": input })).await;
        answer["it"].clone()
    }

    async fn disable(&self, key: &str) {
        let disable = json!({ "id": self.listener, "input": { "idempotencyKey": key } });
        let disabled = self.inventory.ask(DISABLE, disable).await;
        assert_eq!(disabled["it"]["userErrors"], json!([]));
    }
}

fn at(start: &str) -> Value {
    json!({ "settings": { "start": { "at": start } } })
}

fn refused(code: &str) -> Value {
    json!({ "listener": null, "userErrors": [{ "code": code, "path": PATH }], "warnings": [] })
}

fn done(start: &Value, warnings: &Value) -> Value {
    json!({
        "listener": { "settings": { "start": start } }, "userErrors": [], "warnings": warnings,
    })
}

#[tokio::test]
async fn a_start_is_required_once_and_does_not_move_a_listener_that_goes_on() {
    let _alone = Alone::in_process().await;
    let inventory = Inventory::on_kafka(2).await;
    let _projector = inventory.keep_up();
    let start = Start::on(inventory).await;
    let unsaid = start.enable("k-1", 1, json!({})).await;
    assert_eq!(unsaid, refused("START_REQUIRED"));
    let first = start.enable("k-2", 1, at("EARLIEST")).await;
    assert_eq!(first, done(&json!({ "at": "EARLIEST" }), &json!([])));

    start.disable("k-3").await;
    let on = start.enable("k-4", 0, json!({})).await;
    assert_eq!(on, done(&json!({ "at": "LATEST" }), &json!([])));

    start.disable("k-5").await;
    let warned = start.enable("k-6", 0, at("EARLIEST")).await;
    let warning = json!([{ "code": "GOES_ON_AT_ITS_POSITION", "path": PATH }]);
    assert_eq!(warned, done(&json!({ "at": "EARLIEST" }), &warning));
    assert_eq!(start.enable("k-6", 0, at("EARLIEST")).await, warned);
}

#[tokio::test]
async fn a_listener_of_a_queue_takes_no_start() {
    let _alone = Alone::in_process().await;
    let inventory = Inventory::of(2).await;
    let _projector = inventory.keep_up();
    let start = Start::on(inventory).await;
    let told = start.enable("k-1", 1, at("LATEST")).await;
    assert_eq!(told, refused("NOTHING_TO_START_AT"));
    let untold = start.enable("k-2", 1, json!({})).await;
    assert_eq!(untold, done(&Value::Null, &json!([])));
}
