//! Where results go: what was decided with them, as it stands when they are published.

use std::time::Duration;

use bytes::Bytes;
use domain::run::OutputState;
use serde_json::json;
use workers::journal::HOLD;

use crate::plane::{self, SUCCESSOR};
use crate::world::{Running, World, body, eventually, header, owner};

fn echo(_: usize, body: &Bytes) -> (u16, Bytes) {
    (200, Bytes::from([b"scored ", &body[..]].concat()))
}

/// A world in which a message was decided by 1.0.0 and its result could not be published.
async fn decided_and_killed() -> World {
    let world = World::new(echo).await;
    world.broker.refuse("scores", true);
    world.broker.write("orders", &[], b"one");
    world.assign(|_| {});
    let worker = world.worker().await;
    world.reported("BLOCKED topic_unavailable").await;
    worker.kill().await;
    world
}

async fn states(worker: &Running) -> Vec<OutputState> {
    let runs = worker.journal.runs(&owner(), None, 1).await.unwrap();
    let outputs = runs.iter().flat_map(|run| &run.outputs);
    outputs.map(|output| output.state).collect()
}

#[tokio::test]
async fn a_result_goes_to_the_publishers_of_its_version_after_a_restart_with_another() {
    let world = decided_and_killed().await;
    world.broker.refuse("scores", false);
    // Those of 1.0.0, and none of 2.0.0.
    world.publish_to(&["scores"]);
    world.assign(|assignment| {
        assignment["version"]["version"] = json!("2.0.0");
        assignment["outputs"]["known"] = json!([]);
    });
    let worker = world.worker().await;
    let result = &world.outputs(1).await[0];
    assert_eq!(body(result), "scored one");
    assert_eq!(header(result, "eventflows-algorithm-version"), "1.0.0");
    world.settled(1).await;
    assert_eq!(world.calls(), 1);
    worker.stop().await;
}

#[tokio::test]
async fn a_publisher_that_came_after_the_decision_does_not_get_its_result() {
    let world = decided_and_killed().await;
    world.broker.refuse("scores", false);
    world.assign(|assignment| {
        let mut later = assignment["outputs"]["known"][0].clone();
        later["topic"] = json!("later");
        assignment["outputs"]["known"]
            .as_array_mut()
            .unwrap()
            .push(later);
    });
    let worker = world.worker().await;
    world.outputs(1).await;
    world.settled(1).await;
    assert!(world.broker.messages("later").is_empty());
    worker.stop().await;
}

#[tokio::test]
async fn a_result_whose_publisher_is_gone_is_withdrawn_and_shown() {
    let world = decided_and_killed().await;
    world.broker.refuse("scores", false);
    world.assign(|assignment| assignment["outputs"]["known"] = json!([]));
    let worker = world.worker().await;
    world.settled(1).await;
    assert!(world.broker.messages("scores").is_empty());
    assert_eq!(states(&worker).await, [OutputState::Withdrawn]);
    assert_eq!(worker.ledger().await.outputs_withdrawn, 1);
    worker.stop().await;
}

#[tokio::test]
async fn a_result_that_was_decided_before_a_replacement_follows_its_publisher() {
    let world = decided_and_killed().await;
    world.broker.refuse("scores", false);
    let mut moved = world.assignment("orders");
    moved["outputs"]["known"][0]["broker"] = json!(SUCCESSOR);
    let changes = json!([{ "listener": moved["listener"], "assignment": moved }]);
    let brokers = json!([plane::broker(), plane::successor()]);
    world.plane.forget();
    world.plane.send(brokers, changes);
    let worker = world.worker().await;
    assert_eq!(body(&world.outputs(1).await[0]), "scored one");
    world.settled(1).await;
    eventually_published(&worker).await;
    worker.stop().await;
}

#[tokio::test]
async fn what_a_disabled_listener_had_decided_is_published_without_its_message() {
    let world = decided_and_killed().await;
    world.broker.refuse("scores", false);
    world.publish_to(&["scores"]);
    world.unassign("orders");
    // Nobody holds the result any longer.
    world.clock.advance(Duration::from_secs(3600));
    let worker = world.worker().await;
    let result = &world.outputs(1).await[0];
    assert_eq!(body(result), "scored one");
    assert_eq!(result.key.as_deref(), Some(&b"key"[..]));
    eventually_published(&worker).await;
    assert_eq!((world.calls(), world.broker.settled()), (1, 0));
    worker.stop().await;
}

#[tokio::test]
async fn a_result_that_a_delivery_still_tries_is_left_to_it() {
    let world = World::new(echo).await;
    world.broker.refuse("scores", true);
    world.broker.write("orders", &[], b"one");
    world.assign(|_| {});
    let worker = world.worker().await;
    world.reported("BLOCKED topic_unavailable").await;
    // Twice most of the time that a hold lasts; in between it is renewed.
    let most = HOLD * 4 / 5;
    let tried = world.broker.refused();
    world.clock.advance(most);
    eventually("two more tries", || world.broker.refused() >= tried + 2).await;
    world.clock.advance(most);
    assert_eq!(worker.journal.take_unpublished(0, 10).await.unwrap(), []);
    world.broker.refuse("scores", false);
    world.settled(1).await;
    worker.stop().await;
}

async fn eventually_published(worker: &Running) {
    let published = async {
        while states(worker).await != [OutputState::Published] {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let published = tokio::time::timeout(Duration::from_secs(20), published).await;
    published.expect("the result is known to be published");
}

#[tokio::test]
async fn one_output_that_takes_nothing_keeps_no_other_waiting() {
    let world = World::new(echo).await;
    world.broker.refuse("scores", true);
    world.broker.write("orders", &[], b"one");
    world.assign(|assignment| {
        let mut other = assignment["outputs"]["known"][0].clone();
        other["topic"] = json!("copies");
        assignment["outputs"]["known"]
            .as_array_mut()
            .unwrap()
            .push(other);
    });
    let worker = world.worker().await;
    world.reported("BLOCKED topic_unavailable").await;
    assert_eq!(world.broker.messages("copies").len(), 1);
    let expected = [OutputState::Waiting, OutputState::Published];
    assert_eq!(states(&worker).await, expected);
    worker.kill().await;

    world.broker.refuse("scores", false);
    let worker = world.worker().await;
    world.settled(1).await;
    eventually("the other", || world.broker.messages("scores").len() == 1).await;
    assert_eq!(world.broker.messages("copies").len(), 1);
    worker.stop().await;
}
