//! Listeners that are told to go on elsewhere.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::json;

use crate::world::{World, body, header};

#[tokio::test]
async fn a_reset_reaches_the_running_consumer_and_is_applied_once() {
    let world = World::new(|_, body: &Bytes| (200, body.clone())).await;
    world.broker.write("orders", &[], b"one");
    world.broker.write("orders", &[], b"two");
    world.assign(|_| {});
    let worker = world.worker().await;
    world.settled(2).await;
    world.outputs(2).await;

    let reset = json!({ "at": 9, "to": { "at": "EARLIEST" } });
    world.assign(|assignment| assignment["reset"] = reset.clone());
    let outputs = world.outputs(4).await;
    let ids: BTreeSet<_> = outputs
        .iter()
        .map(|output| header(output, "eventflows-run-id"))
        .collect();
    assert_eq!(ids.len(), 4);
    world.settled(2).await;
    let ledger = worker.ledger().await;
    assert_eq!((ledger.received, ledger.succeeded), (4, 4));
    worker.stop().await;

    let worker = world.worker().await;
    world.broker.write("orders", &[], b"three");
    world.settled(3).await;
    assert_eq!(body(&world.outputs(5).await[4]), "three");
    let ledger = worker.ledger().await;
    assert_eq!((ledger.received, ledger.succeeded), (5, 5));
    worker.stop().await;
}
