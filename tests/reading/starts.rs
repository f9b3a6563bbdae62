//! Where listeners start, and that those which go on do not.

use api::worker::requests::{Answer, Asked, Backlog, Part};
use domain::WorkerId;
use domain::listener::StartPosition;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::counter::Alone;
use crate::inventory::Inventory;

const FLOWS: &str = "{ topics: brokerByName(name: \"main\") { topics { nodes { id name } } } \
    listeners { nodes { id algorithm { id } } } }";

const GRANT: &str = "mutation($input: GrantAddInput!) { it: grantAdd(input: $input) \
    { userErrors { code } } }";

const ENABLE: &str =
    "mutation($input: ListenerEnableInput!) { it: listenerEnable(input: $input) { \
    listener { settings { start { at } } } userErrors { code path } warnings { code path }
    resumption { goesOnAt waiting measuredAt } } }";

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
            "scope": { "topicId": topics[1] }, "grantee": { "algorithmId": algorithm },
            "access": "SUBSCRIBE",
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
    json!({
        "listener": null, "userErrors": [{ "code": code, "path": PATH }], "warnings": [],
        "resumption": null,
    })
}

/// No worker is there that could ask the broker.
fn done(start: &Value, warnings: &Value) -> Value {
    json!({
        "listener": { "settings": { "start": start } }, "userErrors": [], "warnings": warnings,
        "resumption": null,
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

#[tokio::test]
async fn a_worker_is_asked_how_much_waits_where_somebody_wants_to_know() {
    let _alone = Alone::in_process().await;
    let inventory = Inventory::on_kafka(2).await;
    let _projector = inventory.keep_up();
    let start = Start::on(inventory).await;
    let id = WorkerId(Uuid::from_u128(1));
    let requests = &start.inventory.schema.control().requests;
    let mut worker = requests.attend(id);
    start.disable("k-1").await;
    assert!(worker.try_recv().is_err(), "nobody wanted to know");

    let told = async {
        let request = worker.recv().await.unwrap();
        let Asked::Backlog(of) = request.asked else {
            panic!("{:?}", request.asked);
        };
        assert_eq!(of.topic.as_str(), "topic-00");
        assert_eq!(of.start, StartPosition::Earliest.into());
        let waiting = Backlog {
            has_position: true,
            waiting: 1 << 40,
        };
        assert!(requests.answer(Answer {
            worker: id,
            request: request.id,
            secret: request.secret,
            part: Part::Backlog(waiting),
        }));
    };
    let (enabled, ()) = tokio::join!(start.enable("k-2", 0, at("EARLIEST")), told);
    let resumption = &enabled["resumption"];
    assert_eq!(resumption["goesOnAt"], "POSITION");
    assert_eq!(resumption["waiting"], "1099511627776");
    assert!(resumption["measuredAt"].is_string());
}
