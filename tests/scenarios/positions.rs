//! Where a listener goes on when its topic, or what the broker knows of it, is not what it was.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use brokers::kafka::{KafkaAdmin, KafkaSettings};
use serde_json::json;
use tests::{Endpoint, Eventflows, Flow, FlowOptions, Kafka, eventually};

use crate::crash_matrix::finished_long_ago;

fn admin(kafka: &Kafka) -> KafkaAdmin {
    KafkaAdmin::new(KafkaSettings::new(vec![kafka.address().to_owned()])).unwrap()
}

async fn produce(kafka: &Kafka, prefix: &str, count: usize) -> BTreeSet<String> {
    let mut bodies = BTreeSet::new();
    for number in 0..count {
        let body = format!("{prefix}-{number}");
        let key = Some(body.as_str());
        kafka
            .produce_with("orders", key, &[], body.as_bytes())
            .await;
        bodies.insert(body);
    }
    bodies
}

/// Waits until the endpoint was called with each of those bodies, and finds no other.
async fn until_called(endpoint: &Endpoint, wanted: &BTreeSet<String>) {
    let called = || {
        let calls = endpoint.calls().into_iter();
        let texts = calls.map(|call| String::from_utf8_lossy(&call.body).into_owned());
        texts.collect::<BTreeSet<_>>()
    };
    eventually("the calls", async || {
        called().is_superset(wanted).then_some(())
    })
    .await;
    assert_eq!(called(), *wanted);
}

/// Has a topic be deleted and created again by `recreate`, and finds that all is called.
///
/// What a running source has read of the new topic before it knows that it is another one is called
/// again, as another run.
async fn is_another_topic(recreate: impl AsyncFnOnce(Eventflows, &mut Flow, &Kafka) -> Eventflows) {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let mut flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    let mut wanted = produce(&kafka, "old", 10).await;
    flow.until_ended(10, 0).await;

    let _eventflows = recreate(eventflows, &mut flow, &kafka).await;
    wanted.append(&mut produce(&kafka, "new", 10).await);
    until_called(&endpoint, &wanted).await;
    let results = kafka.until_records("scores", 20).await;
    let ids = results
        .iter()
        .map(|result| result.header("eventflows-run-id"));
    assert!(ids.collect::<BTreeSet<_>>().len() >= 20);
    assert!(flow.ledger().await.succeeded >= 20);
}

async fn create_again(kafka: &Kafka) {
    kafka.delete("orders").await;
    kafka.create(&["orders"], 4).await;
}

#[tokio::test]
async fn a_topic_that_is_created_again_is_a_new_one_to_its_listener() {
    is_another_topic(async |eventflows, _, kafka| {
        create_again(kafka).await;
        eventflows
    })
    .await;
}

#[tokio::test]
async fn a_topic_that_is_created_again_is_a_new_one_to_a_paused_listener() {
    is_another_topic(async |eventflows, flow, kafka| {
        flow.pause().await;
        create_again(kafka).await;
        flow.resume().await;
        eventflows
    })
    .await;
}

#[tokio::test]
async fn a_topic_that_is_created_again_is_a_new_one_to_a_server_that_was_stopped() {
    is_another_topic(async |mut eventflows, flow, kafka| {
        eventflows.terminate().await;
        create_again(kafka).await;
        let eventflows = eventflows.start_again().await;
        flow.api = eventflows.api();
        eventflows
    })
    .await;
}

/// A listener that began at the end has a position, and so have partitions that are added later.
#[tokio::test]
async fn a_partition_that_is_added_to_a_running_listener_is_read_whole() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let (flow, mut wanted) = at_the_end(&kafka, &endpoint, &eventflows).await;
    kafka.widen("orders", 8).await;
    wanted.append(&mut produce(&kafka, "wide", 100).await);
    let added = kafka.placed_records("orders").await;
    let added = added.iter().filter(|(partition, _)| *partition >= 4);
    assert!(added.count() > 0, "the new partitions have messages");
    until_called(&endpoint, &wanted).await;
    flow.until_ended(wanted.len() as u64, 0).await;
}

#[tokio::test]
async fn what_retention_deletes_before_it_is_read_is_all_that_a_paused_listener_misses() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let (flow, mut wanted) = at_the_end(&kafka, &endpoint, &eventflows).await;
    flow.pause().await;
    let mut offsets = Vec::new();
    for number in 0..90 {
        let body = format!("later-{number}");
        let id = kafka.produce_to("orders", 0, body.as_bytes()).await;
        offsets.push(id.rsplit('/').next().unwrap().parse::<i64>().unwrap());
        if number >= 40 {
            wanted.insert(body);
        }
    }
    let topic = kafka.topic("orders");
    let admin = admin(&kafka);
    let deleted = admin.delete_before(&topic, 0, offsets[40]);
    deleted.await.unwrap();
    flow.resume().await;
    until_called(&endpoint, &wanted).await;
    let ledger = flow.look("ledger { received missed }").await["ledger"].clone();
    assert_eq!(ledger["missed"], "40", "{ledger}");
    assert_eq!(ledger["received"], wanted.len().to_string());
}

/// A listener that begins at the end and stands there, and the messages that it was called with.
async fn at_the_end(
    kafka: &Kafka,
    endpoint: &Endpoint,
    eventflows: &Eventflows,
) -> (Flow, BTreeSet<String>) {
    let mut options = FlowOptions::to(endpoint.url("/"));
    options.settings["start"] = json!({ "at": "LATEST" });
    let flow = Flow::set_up(eventflows, kafka, options).await;
    flow.until_consumers(1).await;
    // Until it has found the end, what is written comes before it.
    for partition in 0..4 {
        let before = endpoint.calls().len();
        let mut number = 0;
        while endpoint.calls().len() == before {
            let body = format!("first-{partition}-{number}");
            kafka.produce_to("orders", partition, body.as_bytes()).await;
            number += 1;
        }
        // What was written after the first that was called is called, too.
        let last = format!("first-{partition}-{}", number - 1);
        eventually("the last one is called", async || {
            let calls = endpoint.calls();
            calls.iter().any(|call| call.body == last).then_some(())
        })
        .await;
    }
    let ended = eventually("what was called has ended", async || {
        let ledger = flow.ledger().await;
        let called = endpoint.calls();
        (ledger.succeeded == called.len() as u64).then_some(called)
    });
    let bodies = ended.await.into_iter();
    let bodies = bodies.map(|call| String::from_utf8_lossy(&call.body).into_owned());
    (flow, bodies.collect())
}

/// A pause that is longer than the broker keeps what a group has committed.
async fn is_not_forgotten(start: &str, expire: impl AsyncFnOnce(Eventflows) -> Eventflows) {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let (mut flow, mut wanted) = if start == "LATEST" {
        at_the_end(&kafka, &endpoint, &eventflows).await
    } else {
        let options = FlowOptions::to(endpoint.url("/"));
        let flow = Flow::set_up(&eventflows, &kafka, options).await;
        let wanted = produce(&kafka, "first", 10).await;
        flow.until_ended(10, 0).await;
        (flow, wanted)
    };
    let group = flow.look("consumerGroup").await["consumerGroup"].clone();
    flow.pause().await;
    let eventflows = expire(eventflows).await;
    flow.api = eventflows.api();
    let deleted = admin(&kafka);
    let deleted = deleted.delete_group(group.as_str().unwrap());
    deleted.await.unwrap();
    wanted.append(&mut produce(&kafka, "while paused", 5).await);
    flow.resume().await;
    until_called(&endpoint, &wanted).await;
    flow.until_ended(wanted.len() as u64, 0).await;
    assert_eq!(endpoint.calls().len(), wanted.len(), "none is called again");
}

#[tokio::test]
async fn a_group_that_the_broker_has_forgotten_costs_and_repeats_nothing() {
    is_not_forgotten("LATEST", async |eventflows| eventflows).await;
}

#[tokio::test]
async fn a_group_that_the_broker_has_forgotten_does_not_begin_again_at_the_start() {
    is_not_forgotten("EARLIEST", async |eventflows| eventflows).await;
}

#[tokio::test]
async fn a_group_that_is_forgotten_after_its_runs_were_begins_where_it_stood() {
    is_not_forgotten("EARLIEST", async |mut eventflows| {
        eventflows.terminate().await;
        finished_long_ago(eventflows.data());
        let eventflows = eventflows.start_again().await;
        until_few_runs_are_kept(eventflows.data()).await;
        eventflows
    })
    .await;
}

/// Waits until the journal in `data` has deleted its runs but for the last one of each partition.
async fn until_few_runs_are_kept(data: &Path) {
    let script = "import sqlite3, sys; \
                  journal = sqlite3.connect(sys.argv[1]); \
                  print(journal.execute('SELECT count(*) FROM decisions').fetchone()[0])";
    eventually("retention", async || {
        let mut python = Command::new("python3");
        let python = python.args(["-c", script]);
        let counted = python.arg(data.join("journal.db")).output();
        let counted = counted.expect("python3 is there");
        let counted = String::from_utf8(counted.stdout).unwrap();
        (counted.trim().parse::<u32>().unwrap() <= 4).then_some(())
    })
    .await;
}

#[tokio::test]
async fn after_a_reset_everything_is_read_again_once_as_other_runs() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    produce(&kafka, "old", 10).await;
    flow.until_ended(10, 0).await;
    let preview = "query($id: ID!) { it: listenerResetPositionPreview(\
                   id: $id, to: { end: EARLIEST }) { waiting waitingAfterwards problem } }";
    eventually("what is committed", async || {
        let told = flow.api.ask(preview, json!({ "id": flow.listener })).await;
        let wanted = json!({ "waiting": "0", "waitingAfterwards": "10", "problem": null });
        (told["it"] == wanted).then_some(())
    })
    .await;

    let reset = "mutation($id: ID!) { it: listenerResetPosition(id: $id, \
                 input: { to: { end: EARLIEST } }) { userErrors { code message } } }";
    flow.api.done(reset, json!({ "id": flow.listener })).await;
    flow.until_ended(20, 0).await;
    let results = async |wanted| {
        let results = kafka.until_records("scores", wanted).await;
        let ids = results
            .iter()
            .map(|result| result.header("eventflows-run-id"));
        (ids.collect::<BTreeSet<_>>().len(), results.len())
    };
    assert_eq!(results(20).await, (20, 20));

    let _eventflows = eventflows.stop_and_restart(|_| {}).await;
    produce(&kafka, "new", 5).await;
    assert_eq!(results(25).await, (25, 25));
    let calls = endpoint.calls().len();
    assert_eq!(calls, 25, "nothing is called a third time");
}
