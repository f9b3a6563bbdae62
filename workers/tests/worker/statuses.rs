//! What is written down of what consumers are doing.

use std::time::{Duration, Instant};

use brokers::{Lag, SourceState, SourceStatus};
use domain::consumer::{ConsumerState, ConsumerStatus};
use domain::run::RunSource;
use serde_json::Value;

use crate::world::{GROUP, Running, World};

/// More than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

async fn consumers(worker: &Running) -> Vec<ConsumerStatus> {
    let group = GROUP.parse().unwrap();
    let consumers = worker.journal.consumers(vec![group]).await;
    consumers.unwrap().remove(0)
}

/// Waits until the consumer is in that state.
async fn until(worker: &Running, state: ConsumerState) -> ConsumerStatus {
    let found = async {
        loop {
            let consumer = consumers(worker).await.pop();
            if let Some(consumer) = consumer.filter(|consumer| consumer.state == state) {
                return consumer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, found).await;
    found.unwrap_or_else(|_| panic!("never {state:?}"))
}

fn has_started(world: &World) -> bool {
    world.plane.reports().iter().any(|told| told == "STARTED")
}

fn source(state: SourceState) -> SourceStatus {
    SourceStatus { state, lag: None }
}

#[tokio::test]
async fn a_consumer_has_started_once_it_reads_its_topic() {
    let world = World::new(|_, body| (200, body.clone())).await;
    world.broker.say(source(SourceState::Joining));
    world.assign(|assignment| assignment["version"] = Value::Null);
    let worker = world.worker().await;
    let blocked = until(&worker, ConsumerState::Blocked).await;
    assert!(blocked.reason.unwrap().starts_with("no_version"));
    let away = SourceState::Unreachable("connection refused".to_owned());
    world.broker.say(source(away));
    let away = until(&worker, ConsumerState::Unreachable).await;
    assert_eq!(away.reason.as_deref(), Some("connection refused"));
    assert!(!has_started(&world));

    world.assign(|_| {});
    world.broker.say(source(SourceState::TopicMissing));
    until(&worker, ConsumerState::TopicMissing).await;
    world.broker.say(source(SourceState::Joining));
    until(&worker, ConsumerState::Joining).await;
    assert!(!has_started(&world));
    let lag = Lag {
        messages: 12,
        oldest: None,
        measured: Instant::now(),
    };
    world.broker.say(SourceStatus {
        lag: Some(lag),
        ..source(SourceState::Assigned { partitions: 2 })
    });
    world.reported("STARTED").await;
    let assigned = until(&worker, ConsumerState::Assigned).await;
    assert_eq!((assigned.partitions, assigned.reason), (2, None));
    assert_eq!(assigned.lag.unwrap().messages, 12);
    let journal = worker.journal.clone();
    worker.stop().await;
    let left = journal.consumers(vec![GROUP.parse().unwrap()]).await;
    assert_eq!(left.unwrap(), [[]]);
}

#[tokio::test]
async fn a_consumer_that_cannot_begin_says_why_until_it_is_stopped() {
    let world = World::new(|_, body| (200, body.clone())).await;
    world.broker.go_away(true);
    world.assign(|_| {});
    let worker = world.worker().await;
    let failed = until(&worker, ConsumerState::Failed).await;
    let reason = failed.reason.unwrap();
    assert!(reason.starts_with("the source could not be opened"));
    world.unassign("orders");
    world.reported("STOPPED").await;
    worker.stop().await;
}
