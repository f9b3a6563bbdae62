//! Messages of a lane are handled one after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use serde_json::json;

use crate::endpoint::echo;
use crate::world::{World, body, eventually};

/// The bodies that were called, without repetitions in a row.
fn called(world: &World) -> Vec<Bytes> {
    let endpoint = world.endpoint.as_ref().unwrap();
    let calls = endpoint.calls.lock().unwrap();
    let mut bodies: Vec<_> = calls.iter().map(|call| call.body.clone()).collect();
    bodies.dedup();
    bodies
}

fn published(world: &World) -> Vec<Bytes> {
    world.broker.messages("scores").iter().map(body).collect()
}

#[tokio::test]
async fn messages_of_a_partition_are_called_and_published_in_their_order() {
    let fails_often = |call, body: &Bytes| (if call % 3 == 0 { 500 } else { 200 }, body.clone());
    let world = World::new(fails_often).await;
    let bodies: Vec<_> = (0..100)
        .map(|number| Bytes::from(number.to_string()))
        .collect();
    for body in &bodies {
        world.broker.write("orders", &[], body);
    }
    world.assign(|assignment| assignment["settings"]["ordering"] = json!("PARTITION"));
    let worker = world.worker().await;
    world.settled(100).await;
    assert_eq!(called(&world), bodies);
    assert_eq!(published(&world), bodies);
    worker.stop().await;
}

#[tokio::test]
async fn a_message_that_is_called_again_holds_those_of_its_key_and_no_others() {
    let fails = Arc::new(AtomicBool::new(true));
    let failing = Arc::clone(&fails);
    let world = World::new(move |_, body: &Bytes| {
        let fails = body == "a1" && failing.load(Ordering::SeqCst);
        (if fails { 500 } else { 200 }, body.clone())
    });
    let world = world.await;
    for message in ["a1", "b1", "a2", "b2", "b3"] {
        let (key, body) = (&message[..1], message.as_bytes());
        world.broker.write_with_key("orders", key, body);
    }
    world.assign(|assignment| {
        assignment["settings"]["ordering"] = json!("KEY");
        assignment["settings"]["retry"]["max_attempts"] = json!(100);
    });
    let worker = world.worker().await;
    world.outputs(3).await;
    assert_eq!(published(&world), ["b1", "b2", "b3"]);
    eventually("another call of the first", || world.calls_of("a1") > 1).await;
    assert_eq!(world.calls_of("a2"), 0);
    fails.store(false, Ordering::SeqCst);
    world.settled(5).await;
    assert_eq!(published(&world)[3..], ["a1", "a2"]);
    worker.stop().await;
}

#[tokio::test]
async fn results_of_a_partition_keep_their_order_over_a_crash() {
    let world = World::new(echo).await;
    world.broker.refuse("scores", true);
    for body in ["one", "two", "three"] {
        world.broker.write("orders", &[], body.as_bytes());
    }
    world.assign(|assignment| assignment["settings"]["ordering"] = json!("PARTITION"));
    let worker = world.worker().await;
    world.reported("BLOCKED topic_unavailable").await;
    assert_eq!(called(&world), ["one"]);
    worker.kill().await;
    world.broker.refuse("scores", false);
    let worker = world.worker().await;
    world.settled(3).await;
    assert_eq!(called(&world), ["one", "two", "three"]);
    assert_eq!(published(&world), ["one", "two", "three"]);
    worker.stop().await;
}

#[tokio::test]
async fn a_message_that_another_reader_has_is_left_to_it_and_holds_nobody() {
    let world = World::new(echo).await;
    world.hold(true);
    world.broker.write("orders", &[], b"one");
    world.broker.write("orders", &[], b"two");
    world.assign(|assignment| assignment["settings"]["ordering"] = json!("PARTITION"));
    let worker = world.worker().await;
    eventually("the first call", || world.calls() == 1).await;
    world.broker.lose(0);
    world.hold(false);
    world.settled(1).await;
    assert_eq!(published(&world), ["two"]);
    assert_eq!(called(&world), ["one", "two"]);
    worker.stop().await;
}
