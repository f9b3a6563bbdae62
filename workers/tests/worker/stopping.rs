//! What becomes of messages in flight when their listener is disabled, and where it goes on.

use serde_json::json;
use uuid::Uuid;

use crate::endpoint::echo;
use crate::world::{World, body, eventually, listener};

/// Waits until the worker knows of everything that the control plane has said: another listener,
/// which it is told of last, has started.
async fn is_known(world: &World) {
    let mut assignment = world.assignment("payments");
    assignment["group"] = json!(Uuid::from_u128(7));
    let change = json!({ "listener": listener("payments"), "assignment": assignment });
    world.plane.send(json!([]), json!([change]));
    eventually("the other consumer", || {
        let reports = world.plane.told("ConsumerReport");
        let started = reports.iter().filter(|told| told["report"] == "STARTED");
        let mut listeners = started.map(|told| &told["listener"]);
        listeners.any(|started| *started == listener("payments"))
    })
    .await;
}

#[tokio::test]
async fn a_call_under_way_ends_and_its_result_is_published_when_the_listener_is_disabled() {
    let world = World::new(echo).await;
    world.hold(true);
    world.broker.write("orders", &[], b"one");
    world.assign(|_| {});
    let worker = world.worker().await;
    eventually("the call", || world.calls() == 1).await;
    world.unassign("orders");
    is_known(&world).await;
    world.broker.write("orders", &[], b"later");
    world.hold(false);
    assert_eq!(body(&world.outputs(1).await[0]), "one");
    world.reported("STOPPED").await;
    assert_eq!((world.calls(), world.broker.settled()), (1, 1));
    worker.stop().await;
}

#[tokio::test]
async fn what_does_not_end_in_time_is_given_back_and_called_when_the_listener_is_enabled_again() {
    let mut world = World::new(echo).await;
    world.grace = std::time::Duration::ZERO;
    world.hold(true);
    world.broker.write("orders", &[], b"one");
    world.assign(|_| {});
    let worker = world.worker().await;
    eventually("the call", || world.calls() == 1).await;
    world.unassign("orders");
    world.reported("STOPPED").await;
    assert_eq!(world.broker.settled(), 0);
    world.hold(false);
    world.assign(|_| {});
    world.settled(1).await;
    let ledger = worker.ledger().await;
    assert_eq!((ledger.received, ledger.succeeded), (1, 1));
    worker.stop().await;
    let endpoint = world.endpoint.as_ref().unwrap();
    let calls = endpoint.calls.lock().unwrap();
    let keys: Vec<_> = calls
        .iter()
        .map(|call| &call.headers["idempotency-key"])
        .collect();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0], keys[1]);
}

#[tokio::test]
async fn a_result_that_no_topic_takes_is_not_lost_when_the_listener_is_disabled() {
    let mut world = World::new(echo).await;
    world.grace = std::time::Duration::ZERO;
    world.broker.refuse("scores", true);
    world.broker.write("orders", &[], b"one");
    world.assign(|_| {});
    let worker = world.worker().await;
    world.reported("BLOCKED topic_unavailable").await;
    world.unassign("orders");
    world.reported("STOPPED").await;
    world.broker.refuse("scores", false);
    world.assign(|_| {});
    assert_eq!(body(&world.outputs(1).await[0]), "one");
    world.settled(1).await;
    assert_eq!(world.calls(), 1);
    worker.stop().await;
}
