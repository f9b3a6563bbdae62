//! What becomes of messages in flight when their listener is disabled, and where it goes on.

use domain::Position;
use domain::run::OutputState;
use domain::worker::Confirmations;
use serde_json::json;
use tokio::time::{Duration, sleep, timeout};
use uuid::Uuid;

use crate::endpoint::{echo, refuse};
use crate::world::{Running, World, body, eventually, listener, owner};

/// Waits until the worker has confirmed what the control plane said up to that position.
async fn confirmed(worker: &Running, position: u64) {
    let confirmed = async {
        while !is_confirmed(worker, position).await {
            sleep(Duration::from_millis(2)).await;
        }
    };
    let confirmed = timeout(Duration::from_secs(20), confirmed).await;
    confirmed.expect("the worker confirms");
}

async fn is_confirmed(worker: &Running, position: u64) -> bool {
    let unconfirmed = worker.journal.unconfirmed(Position(position)).await;
    unconfirmed.unwrap().is_empty()
}

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
    world.publish_to(&["scores"]);
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

#[tokio::test]
async fn a_message_that_waits_for_its_call_is_not_called_once_that_is_confirmed() {
    let world = World::new(echo).await;
    world.hold(true);
    world.publish_to(&["scores"]);
    for body in ["one", "two", "three"] {
        world.broker.write("orders", &[], body.as_bytes());
    }
    world.assign(|assignment| assignment["settings"]["concurrency"] = json!(1));
    let worker = world.worker().await;
    eventually("the call", || world.calls() == 1).await;
    confirmed(&worker, 1).await;
    world.unassign("orders");
    confirmed(&worker, 2).await;
    world.hold(false);
    world.reported("STOPPED").await;
    assert_eq!((world.calls(), world.broker.settled()), (1, 1));
    worker.stop().await;
}

#[tokio::test]
async fn a_version_that_is_withdrawn_is_not_called_once_that_is_confirmed() {
    let world = World::new(echo).await;
    world.hold(true);
    for body in ["one", "two", "three"] {
        world.broker.write("orders", &[], body.as_bytes());
    }
    world.assign(|assignment| assignment["settings"]["concurrency"] = json!(1));
    let worker = world.worker().await;
    eventually("the call", || world.calls() == 1).await;
    world.assign(|assignment| assignment["version"] = json!(null));
    confirmed(&worker, 2).await;
    world.hold(false);
    world.settled(1).await;
    assert_eq!(world.calls(), 1);
    worker.stop().await;
}

#[tokio::test]
async fn a_result_whose_publisher_ended_with_its_listener_is_withdrawn() {
    let world = World::new(echo).await;
    world.hold(true);
    world.broker.write("orders", &[], b"one");
    world.assign(|_| {});
    let worker = world.worker().await;
    eventually("the call", || world.calls() == 1).await;
    world.publish_to(&[]);
    world.unassign("orders");
    confirmed(&worker, 2).await;
    world.hold(false);
    world.settled(1).await;
    assert!(world.broker.messages("scores").is_empty());
    let runs = worker.journal.runs(&owner(), None, 1).await.unwrap();
    assert_eq!(runs[0].outputs[0].state, OutputState::Withdrawn);
    worker.stop().await;
}

#[tokio::test]
async fn a_dead_letter_is_not_written_once_its_listener_is_withdrawn() {
    let world = World::new(refuse).await;
    world.hold(true);
    world.broker.write("orders", &[], b"one");
    world.assign(|_| {});
    let worker = world.worker().await;
    eventually("the call", || world.calls() == 1).await;
    world.unassign("orders");
    confirmed(&worker, 2).await;
    world.hold(false);
    world.reported("STOPPED").await;
    assert!(world.broker.messages("dead").is_empty());
    assert_eq!(world.broker.settled(), 0);
    // Nothing is lost: it is decided, and written when the listener is there again.
    world.assign(|_| {});
    world.dead_letters(1).await;
    world.settled(1).await;
    assert_eq!(world.calls(), 1);
    worker.stop().await;
}

#[tokio::test]
async fn what_is_being_written_is_waited_for_where_it_is_forbidden_by_then() {
    let world = World::new(echo).await;
    world.broker.stick(Some("scores"));
    world.broker.write("orders", &[], b"one");
    world.publish_to(&["scores"]);
    world.assign(|_| {});
    let worker = world.worker().await;
    eventually("a write that takes long", || world.broker.waiting() == 1).await;
    // The same result may be written as before, so that nobody is kept waiting.
    world.assign(|assignment| assignment["dlq"] = json!("other"));
    confirmed(&worker, 2).await;

    world.publish_to(&[]);
    world.assign(|assignment| assignment["outputs"]["known"] = json!([]));
    worker.journal.require(Position(3)).await.unwrap();
    is_known(&world).await;
    assert!(!is_confirmed(&worker, 3).await);
    world.broker.stick(None);
    confirmed(&worker, 4).await;
    assert_eq!(world.broker.messages("scores").len(), 1);
    worker.stop().await;
}

#[tokio::test]
async fn a_worker_that_is_behind_takes_nothing_on_until_it_has_caught_up() {
    let mut world = World::new(echo).await;
    world.lease = Duration::from_millis(500);
    world.assign(|_| {});
    let worker = world.worker().await;
    confirmed(&worker, 1).await;
    worker.journal.require(Position(3)).await.unwrap();
    // Its lease has ended: the others do not wait for it any longer.
    eventually("the source is held", || world.broker.is_held()).await;
    world.broker.write("orders", &[], b"one");
    // It hears of this, and does not come as far as is required.
    world.assign(|assignment| assignment["settings"]["concurrency"] = json!(4));
    assert_eq!(world.calls(), 0);
    world.assign(|assignment| assignment["dlq"] = json!("other"));
    world.settled(1).await;
    assert!(!world.broker.is_held());
    worker.stop().await;
}
