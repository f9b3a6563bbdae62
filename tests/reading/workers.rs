//! What workers read, and that others do not.

use std::collections::BTreeSet;
use std::pin::pin;

use api::Principal;
use domain::testing::{WORKER, user, worker_joined};
use domain::{Actor, WorkerId};
use futures_util::StreamExt;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::counter::Alone;
use crate::inventory::Inventory;

const ASSIGNMENTS: &str = "subscription($workerId: ID!) { assignments(workerId: $workerId) {
    position complete brokers { broker settings } changes { listener assignment } } }";

fn principal(actor: Actor) -> Principal {
    Principal {
        actor,
        client_address: None,
    }
}

fn worker() -> Principal {
    principal(Actor::Worker { id: WORKER })
}

/// Together they are longer than an answer may be.
#[tokio::test]
async fn more_assignments_than_an_answer_holds_come_in_parts() {
    let _alone = Alone::in_process().await;
    let listeners = 600;
    let endpoint = format!("http://h/{}", "x".repeat(4_000));
    let inventory = Inventory::calling(listeners, &endpoint).await;
    inventory.happened(worker_joined()).await;
    let variables = json!({ "workerId": WORKER });
    let parts = inventory
        .schema
        .subscribe_json(ASSIGNMENTS, variables, worker());
    let mut parts = pin!(parts);
    let (mut assigned, mut bytes, mut brokers) = (BTreeSet::new(), 0, 0);
    loop {
        let part = parts.next().await.unwrap().unwrap()["assignments"].take();
        bytes += part.to_string().len();
        brokers += part["brokers"].as_array().unwrap().len();
        for change in part["changes"].as_array().unwrap() {
            assert_eq!(change["assignment"]["listener"], change["listener"]);
            assigned.insert(change["listener"].to_string());
        }
        if part["complete"] == true {
            break;
        }
    }
    assert_eq!(assigned.len(), listeners);
    assert!(bytes > 1024 * 1024, "{bytes}");
    assert_eq!(brokers, 1, "it is sent once");
}

#[tokio::test]
async fn nobody_else_speaks_for_a_worker() {
    let _alone = Alone::in_process().await;
    let inventory = Inventory::of(1).await;
    inventory.happened(worker_joined()).await;
    let other = Actor::Worker {
        id: WorkerId(Uuid::from_u128(8)),
    };
    let of_worker = json!({ "workerId": WORKER });
    let requests =
        "subscription($workerId: ID!) { workerRequests(workerId: $workerId) { secret } }";
    let leave =
        "mutation($workerId: ID!) { workerLeave(input: { workerId: $workerId }) { position } }";
    for actor in [user("ann"), other] {
        for subscription in [ASSIGNMENTS, requests] {
            let schema = &inventory.schema;
            let items =
                schema.subscribe_json(subscription, of_worker.clone(), principal(actor.clone()));
            let refused = pin!(items).next().await.unwrap().unwrap_err();
            assert!(refused.to_string().contains("only workers"), "{refused}");
        }
        let left = inventory
            .schema
            .execute_json(leave, of_worker.clone(), principal(actor));
        let refused = left.await.unwrap_err();
        assert!(refused.to_string().contains("only workers"), "{refused}");
    }
}

#[tokio::test]
async fn a_worker_joins_before_it_is_assigned_anything() {
    let _alone = Alone::in_process().await;
    let inventory = Inventory::of(1).await;
    let variables = json!({ "workerId": WORKER });
    let items = inventory
        .schema
        .subscribe_json(ASSIGNMENTS, variables, worker());
    let refused = pin!(items).next().await.unwrap().unwrap_err();
    assert!(refused.to_string().contains("has not joined"), "{refused}");
}

#[tokio::test]
async fn a_worker_of_another_protocol_is_refused() {
    let _alone = Alone::in_process().await;
    let inventory = Inventory::of(1).await;
    let _following = inventory.keep_up();
    let join = "mutation($input: WorkerJoinInput!) {
        workerJoin(input: $input) { position userErrors { code path } } }";
    let joined = async |version: u32| {
        let input = json!({
            "workerId": WORKER, "protocolVersion": version, "journalId": Uuid::nil(),
        });
        let variables = json!({ "input": input });
        let answer = inventory.schema.execute_json(join, variables, worker());
        answer.await.unwrap()["workerJoin"].take()
    };
    let refused = joined(domain::worker::PROTOCOL_VERSION + 1).await;
    let errors = json!([{ "code": "UNSUPPORTED_PROTOCOL", "path": ["input", "protocolVersion"] }]);
    assert_eq!(refused["userErrors"], errors);
    assert_eq!(refused["position"], Value::Null);
    let accepted = joined(domain::worker::PROTOCOL_VERSION).await;
    assert_eq!(accepted["userErrors"], json!([]));
}

#[tokio::test]
async fn a_request_in_process_is_as_bounded_as_one_over_a_network() {
    let _alone = Alone::in_process().await;
    let inventory = Inventory::of(1).await;
    let variables = json!({ "name": "x".repeat(128 * 1024) });
    let query = "query($name: String!) { brokerByName(name: $name) { id } }";
    let answer = inventory.schema.execute_json(query, variables, worker());
    let refused = answer.await.unwrap_err();
    assert!(refused.to_string().contains("more than"), "{refused}");
}
