//! Of servers that must not work at once, one does, and the others say for whom they stand by.

use std::path::Path;
use std::process::Command;

use http::StatusCode;
use serde_json::{Value, json};
use tests::log::LogDatabase;
use tests::wait::eventually;
use tests::{Endpoint, Eventflows, Flow, FlowOptions, Kafka};

const WORKERS: &str = "{ workers { nodes { uuid journalId standby { worker { uuid } reason } } } }";

#[tokio::test]
async fn of_two_servers_with_a_journal_each_one_works_and_the_other_stands_by_for_it() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let database = LogDatabase::postgres();
    let one = serve(&database).await;
    let mut flow = Flow::set_up(&one, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    flow.until_consumers(1).await;
    let other = serve(&database).await;
    let why_not = not_ready(&other).await;
    assert!(why_not.contains("--journal-url"), "{why_not}");
    for server in [&one, &other] {
        let workers = eventually("both workers", async || workers(server, 2).await).await;
        let (mine, standing_by) = (worker_of(&workers, &one), worker_of(&workers, &other));
        assert_eq!(mine["standby"], Value::Null);
        assert_eq!(standing_by["standby"]["worker"]["uuid"], mine["uuid"]);
        assert_ne!(standing_by["journalId"], mine["journalId"]);
    }
    kafka.produce("orders", b"one").await;
    flow.until_ended(1, 0).await;
    flow.until_consumers(1).await;

    // The other one is told to go on in its own journal while the first is at work.
    let other = other.restart_with(&["--adopt-journal"]).await;
    let why_not = not_ready(&one).await;
    assert!(why_not.contains("--journal-url"), "{why_not}");
    flow.api = other.api();
    kafka.produce("orders", b"two").await;
    flow.until_ended(1, 0).await;
    ready(&other).await;
    flow.until_consumers(1).await;
    let workers = eventually("both workers", async || workers(&one, 2).await).await;
    let behind = &worker_of(&workers, &one)["standby"]["worker"]["uuid"];
    assert_eq!(*behind, worker_of(&workers, &other)["uuid"]);
    let results = kafka.until_records("scores", 2).await;
    let mut results: Vec<_> = results.iter().map(|result| result.text()).collect();
    results.sort();
    assert_eq!(results, ["one", "two"]);

    // Started again, the first one stands by as before.
    let one = one.kill_and_restart().await;
    not_ready(&one).await;
    kafka.produce("orders", b"three").await;
    flow.until_ended(2, 0).await;
}

#[tokio::test]
async fn of_a_data_directory_and_its_copy_one_works_and_what_is_older_never_does_by_itself() {
    let database = LogDatabase::postgres();
    let mut one = serve(&database).await;
    ready(&one).await;
    one.terminate().await;
    let copied = tempfile::tempdir().unwrap();
    let copy = Command::new("cp")
        .arg("-r")
        .arg(one.data().join("."))
        .arg(copied.path())
        .status();
    assert!(copy.unwrap().success());

    let mut one = one.start_again().await;
    ready(&one).await;
    let copy = serve_on(copied, &database).await;
    let why_not = not_ready(&copy).await;
    assert!(why_not.contains("another data directory"), "{why_not}");
    // The original is at work, and stays so.
    ready(&one).await;

    // What the original has decided since, the copy does not know.
    one.terminate().await;
    eventually("the copy says that it is one", async || {
        let why_not = not_ready(&copy).await;
        why_not.contains("--adopt-journal").then_some(())
    })
    .await;
    let copy = copy.restart_with(&["--adopt-journal"]).await;
    ready(&copy).await;
    // Now it is the original that is old.
    let one = one.start_again().await;
    let why_not = not_ready(&one).await;
    assert!(why_not.contains("another data directory"), "{why_not}");
}

async fn serve(database: &LogDatabase) -> Eventflows {
    serve_on(tempfile::tempdir().unwrap(), database).await
}

async fn serve_on(data: tempfile::TempDir, database: &LogDatabase) -> Eventflows {
    let url = database.url();
    let names = ["EVENTFLOWS_LOG_URL", "EVENTFLOWS_READ_MODELS_URL"];
    Eventflows::start_with(data, &names.map(|name| (name, Path::new(&url)))).await
}

/// Why the server is not ready, once it is not.
async fn not_ready(server: &Eventflows) -> String {
    eventually("the server is not ready", async || {
        let (status, why_not) = server.api().get("/readyz").await;
        (status == StatusCode::SERVICE_UNAVAILABLE).then_some(why_not)
    })
    .await
}

async fn ready(server: &Eventflows) {
    eventually("the server is ready", async || {
        let (status, _) = server.api().get("/readyz").await;
        (status == StatusCode::OK).then_some(())
    })
    .await;
}

async fn workers(server: &Eventflows, wanted: usize) -> Option<Vec<Value>> {
    let answer = server.api().ask(WORKERS, json!({})).await;
    let workers = answer["workers"]["nodes"].as_array().unwrap().clone();
    (workers.len() == wanted).then_some(workers)
}

fn worker_of<'w>(workers: &'w [Value], server: &Eventflows) -> &'w Value {
    let id = server.worker();
    let found = workers.iter().find(|worker| worker["uuid"] == id);
    found.expect("the worker is listed")
}
