//! Killed with SIGKILL while messages flow, it goes on and loses nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tests::{Endpoint, Eventflows, Flow, FlowOptions, GraphQl, Kafka, eventually};

const MESSAGES: usize = 600;

#[tokio::test]
async fn a_killed_server_goes_on_where_it_was_and_loses_nothing() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let mut eventflows = Eventflows::start().await;
    let mut flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    flow.until_consumers(1).await;
    for number in 0..MESSAGES {
        kafka.produce("orders", number.to_string().as_bytes()).await;
        if number % 200 == 100 {
            eventually("some calls before the kill", async || {
                (endpoint.calls().len() > number / 2).then_some(())
            })
            .await;
            eventflows = eventflows.kill_and_restart().await;
            flow.api = eventflows.api();
        }
    }
    flow.until_ended(MESSAGES as u64, 0).await;

    // A result may be published twice; under one run id it is the same bytes.
    let results = eventually("every result", async || {
        let records = kafka.records("scores").await;
        let runs: BTreeMap<_, _> = records
            .iter()
            .map(|record| (record.header("eventflows-run-id"), record.text()))
            .collect();
        (runs.len() >= MESSAGES).then_some((records, runs))
    });
    let (records, runs) = results.await;
    for record in records {
        assert_eq!(runs[&record.header("eventflows-run-id")], record.text());
    }
    let published: BTreeSet<usize> = runs.values().map(|text| text.parse().unwrap()).collect();
    assert_eq!(published, (0..MESSAGES).collect());
    assert_eq!(kafka.records("orders-dlq").await, []);
    log_is_clean(&mut eventflows).await;
}

/// The log's positions have no gap, and a file passes the database's own check.
async fn log_is_clean(eventflows: &mut Eventflows) {
    events(&eventflows.api()).await;
    eventflows.terminate().await;
    // A database server was not killed, and has no check of this kind.
    if eventflows.log().is_none() {
        file_is_intact(eventflows.data());
    }
}

/// The log's events, at positions without a gap.
pub(crate) async fn events(api: &GraphQl) -> Vec<Value> {
    let document = "query($after: Position) { events(first: 100, after: $after, order: ASCENDING) { \
                    nodes { position stream } pageInfo { hasNextPage endCursor } } }";
    let (mut events, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = api.ask(document, json!({ "after": after })).await["events"].clone();
        for node in page["nodes"].as_array().unwrap() {
            assert_eq!(node["position"], (events.len() + 1).to_string());
            events.push(node.clone());
        }
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            return events;
        }
    }
}

/// The file of the log in the directory `data` passes SQLite's own check.
pub(crate) fn file_is_intact(data: &Path) {
    let script = "import sqlite3, sys; \
                  log = sqlite3.connect('file:' + sys.argv[1] + '?mode=rw', uri=True); \
                  print(log.execute('PRAGMA integrity_check').fetchone()[0])";
    let log = data.join("log.db");
    let checked = Command::new("python3")
        .args(["-c", script])
        .arg(log)
        .output();
    let checked = checked.expect("python3 is there");
    assert_eq!(String::from_utf8_lossy(&checked.stdout).trim(), "ok");
}
