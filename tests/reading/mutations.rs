//! Mutations over the same schema: what was done is answered, whatever has happened since.

use api::worker::requests::{Answer, Part};
use domain::WorkerId;
use domain::testing::discovered;
use serde_json::json;
use uuid::Uuid;

use crate::counter::Alone;
use crate::inventory::Inventory;

const DISCOVER: &str = "mutation($id: ID!, $input: BrokerTopicsDiscoverInput!) { it: brokerTopicsDiscover(\
    id: $id, input: $input) { broker { name } position userErrors { code } warnings { code } } }";

#[tokio::test]
async fn a_mutation_that_was_done_is_answered_where_no_worker_is_left() {
    let _alone = Alone::in_process().await;
    let inventory = Inventory::of(1).await;
    let _projector = inventory.keep_up();
    let broker = "{ brokerByName(name: \"main\") { id } }";
    let broker = inventory.ask(broker, json!({})).await["brokerByName"]["id"].clone();
    let keyed = |key: &str| json!({ "id": broker, "input": { "idempotencyKey": key } });

    let requests = &inventory.schema.control().requests;
    let id = WorkerId(Uuid::from_u128(1));
    let mut worker = requests.attend(id);
    let found = async {
        let request = worker.recv().await.unwrap();
        let answer = Answer {
            worker: id,
            request: request.id,
            secret: request.secret,
            part: Part::Topics {
                topics: discovered(&["orders"]),
                more: false,
            },
        };
        assert!(requests.answer(answer));
    };
    let (done, ()) = tokio::join!(inventory.ask(DISCOVER, keyed("k-1")), found);
    assert_eq!(done["it"]["broker"]["name"], "main");
    assert_eq!(done["it"]["userErrors"], json!([]));
    assert_eq!(done["it"]["warnings"], json!([]));

    drop(worker);
    assert_eq!(inventory.ask(DISCOVER, keyed("k-1")).await, done);
    let refused = inventory.ask(DISCOVER, keyed("k-2")).await;
    assert_eq!(refused["it"]["userErrors"][0]["code"], "NO_WORKER");
}
