//! What is held in memory, by bytes.

use brokers::Memory;
use bytes::Bytes;

use crate::endpoint::echo;
use crate::world::{World, eventually};

const KB: usize = 1000;
const MESSAGES: usize = 200;

fn write(world: &World, bytes: usize) {
    for _ in 0..MESSAGES {
        world.broker.write("orders", &[], &vec![b'm'; bytes]);
    }
}

#[tokio::test]
async fn a_backlog_of_large_messages_stays_within_the_budget_while_the_endpoint_is_slow() {
    let mut world = World::new(echo).await;
    world.memory = Memory::of(1000 * KB);
    world.hold(true);
    write(&world, 100 * KB);
    world.assign(|assignment| assignment["settings"]["max_message_bytes"] = 1_000_000.into());
    let worker = world.worker().await;
    eventually("a full budget", || world.memory.is_full()).await;
    eventually("the calls", || world.calls() == 4).await;
    world.hold(false);
    world.settled(MESSAGES).await;
    worker.stop().await;
    // One message more than fits, and the results of four calls.
    let most = world.memory.most();
    assert!(most <= 1000 * KB + 5 * 101 * KB, "{most}");
    assert_eq!(world.memory.used(), 0);
}

#[tokio::test]
async fn large_results_that_no_topic_takes_stay_within_the_budget() {
    let mut world = World::new(|_, _: &Bytes| (200, Bytes::from(vec![b'r'; 100 * KB]))).await;
    world.memory = Memory::of(1000 * KB);
    world.broker.stick(Some("scores"));
    write(&world, 1);
    world.assign(|_| {});
    let worker = world.worker().await;
    eventually("a full budget", || world.memory.is_full()).await;
    world.broker.stick(None);
    world.settled(MESSAGES).await;
    worker.stop().await;
    let most = world.memory.most();
    assert!(most <= 1000 * KB + 5 * 101 * KB, "{most}");
    assert_eq!(world.calls(), MESSAGES);
    assert_eq!(world.memory.used(), 0);
}
