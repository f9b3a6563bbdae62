//! A peer: Confluent's Parallel Consumer with Vert.x, where Java is.

use std::process::Stdio;

use tokio::process::Command;

use super::{FlowArgs, Kafka, Measured};

/// Its program, which Java compiles as it starts it.
const PROGRAM: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/peers/parallel-consumer/Loop.java"
);

/// Where its libraries are; none where they are not on this machine. `cargo xtask bench` says it.
pub(super) fn libraries() -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "where the peer is")]
    std::env::var("EVENTFLOWS_BENCH_PARALLEL_CONSUMER").ok()
}

pub(super) async fn run(
    kafka: &Kafka,
    url: &str,
    args: &FlowArgs,
    run: usize,
    concurrency: usize,
) -> Measured {
    let results = kafka
        .results(&format!("parallel-consumer-{concurrency}"), run)
        .await;
    let libraries = libraries().expect("the peer is run where its libraries are");
    let mut child = Command::new("java")
        .args(["-cp", &format!("{libraries}/*"), PROGRAM])
        .arg(kafka.settings.bootstrap_servers.join(","))
        .args([&kafka.orders, &results, url, &concurrency.to_string()])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let process = child.id().unwrap();
    let measured = kafka.measure(&results, args.messages, process).await;
    child.kill().await.unwrap();
    measured
}
