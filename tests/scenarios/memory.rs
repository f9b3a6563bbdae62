//! What a server holds in memory of a backlog, as the system counts it.

use std::fs;
use std::path::Path;

use tests::{Endpoint, Eventflows, Flow, FlowOptions, Kafka, eventually};

const MESSAGES: usize = 400;
const BYTES: usize = 900_000;

/// The budget, in MiB.
const BUDGET: &str = "32";

/// What the server may take at most for all of it, in MB: the budget, what the clients of Kafka hold
/// on their own, and what the allocator keeps. The backlog has 360 MB.
const MOST_MB: usize = 200;

/// The most that a process ever had in memory, in MB.
fn peak(eventflows: &Eventflows) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", eventflows.process())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kb = line.unwrap().split_whitespace().nth(1).unwrap();
    kb.parse::<usize>().unwrap() / 1000
}

#[tokio::test]
async fn a_backlog_of_large_messages_with_a_slow_endpoint_stays_within_the_budget() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let budget = [("EVENTFLOWS_WORKER_MEMORY", Path::new(BUDGET))];
    let eventflows = Eventflows::start_with(tempfile::tempdir().unwrap(), &budget).await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    flow.until_consumers(1).await;
    let before = peak(&eventflows);
    endpoint.hold(|_| true);
    for _ in 0..MESSAGES {
        kafka.produce("orders", &[b'm'; BYTES]).await;
    }
    eventually("calls", async || {
        (endpoint.calls().len() >= 16).then_some(())
    })
    .await;
    endpoint.release();
    flow.until_ended(MESSAGES as u64, 0).await;
    let taken = peak(&eventflows) - before;
    assert!(taken < MOST_MB, "{taken} MB");
}
