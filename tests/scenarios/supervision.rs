//! A part of the server that ends: the server says at once that it is not ready, finishes what is
//! in flight, and ends with a code that a supervisor can go by.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use domain::testing::{FixedClock, meta, unknown_event, user};
use domain::{CommandId, StreamName};
use event_store::{Append, EventStore, Expected, SqliteEventStore};
use serde_json::json;
use tests::flow::algorithm;
use tests::gateway::Gateway;
use tests::{Eventflows, GraphQl, binary, eventually};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;
use uuid::Uuid;

const CREATE: &str = "mutation { it: organizationCreate(input: { name: \"last\" }) \
                      { position userErrors { code message } } }";

/// Appends what a newer version beside the running one would append.
async fn append_of_the_future(data: &Path) {
    let clock = Arc::new(FixedClock::default());
    let store = SqliteEventStore::open(&data.join("log.db"), clock).await;
    let command = CommandId(Uuid::from_u128(7));
    let append = Append {
        stream: StreamName("listener-of-the-future".to_owned()),
        expected: Expected::NoStream,
        command,
        fingerprint: [0; 32],
        meta: meta(user("newer"), command),
        events: vec![unknown_event(command, "ListenerTeleported", 1)],
    };
    store.unwrap().append(append).await.unwrap();
}

fn serve(data: &Path) -> Command {
    let mut serve = Command::new(binary::path());
    serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]);
    serve.arg(data).kill_on_drop(true);
    serve
}

/// The device is a disk without room for a byte.
#[tokio::test]
async fn log_lines_that_cannot_be_written_end_nothing() {
    let data = tempfile::tempdir().unwrap();
    let full = std::fs::File::options().write(true).open("/dev/full");
    let mut serve = serve(data.path());
    serve.stdout(Stdio::piped()).stderr(full.unwrap());
    serve.env("EVENTFLOWS_LOG", "trace");
    let mut server = serve.spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let ready = lines.next_line().await.unwrap();
    let ready = ready.expect("it has said more than a line in its log, and serves");
    let url = ready.strip_prefix("eventflows is ready at ").unwrap();
    assert_eq!(GraphQl::new(url).get("/livez").await.0, 200);
}

#[tokio::test]
async fn an_event_of_a_newer_version_ends_the_server_with_a_code_of_its_own() {
    // An endpoint that takes a call and does not answer keeps the server draining.
    let endpoint = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", endpoint.local_addr().unwrap());
    let data = tempfile::tempdir().unwrap();
    let mut eventflows = Eventflows::start_with(data, &[]).await;
    let api = eventflows.api();
    algorithm(&api, &[("1.0.0", url)]).await;
    let gateway = Gateway::new(eventflows.authority());
    let run = tokio::spawn(async move {
        let answer = gateway.call("acme/score", "text/plain", "in flight").await;
        answer.json()["error"]["message"].clone()
    });
    let call = endpoint.accept().await.unwrap();
    assert_eq!(api.get("/readyz").await.0, 200);

    append_of_the_future(eventflows.data()).await;
    let why = eventually("the server is not ready", async || {
        let (status, why) = api.get("/readyz").await;
        (status == 503).then_some(why)
    })
    .await;
    assert!(
        why.contains("the event type ListenerTeleported is unknown"),
        "{why}"
    );

    drop((call, endpoint));
    assert_ne!(run.await.unwrap(), json!(null));
    assert_eq!(eventflows.ended().await.code(), Some(3));
    // It does not hang when it starts on such a log, either.
    let again = serve(eventflows.data()).output().await.unwrap();
    assert_eq!(again.status.code(), Some(3), "{again:?}");
    assert_eq!(again.stdout, b"");
}

#[tokio::test]
async fn a_checkpointer_that_cannot_write_ends_the_server() {
    let data = tempfile::tempdir().unwrap();
    let no_directory = data.path().join("checkpoints");
    std::fs::write(&no_directory, "a file").unwrap();
    let ended = serve(data.path())
        .env("EVENTFLOWS_CHECKPOINTS", &no_directory)
        .output()
        .await
        .unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("the checkpointer failed"), "{said}");
}

#[tokio::test]
async fn the_last_checkpoint_is_made_although_another_part_had_failed() {
    let data = tempfile::tempdir().unwrap();
    let checkpoints = tempfile::tempdir().unwrap();
    let environment = [("EVENTFLOWS_CHECKPOINTS", checkpoints.path())];
    let mut eventflows = Eventflows::start_with(data, &environment).await;
    let done = eventflows.api().done(CREATE, json!({})).await;
    let position: u64 = done["position"].as_str().unwrap().parse().unwrap();
    append_of_the_future(eventflows.data()).await;
    assert_eq!(eventflows.ended().await.code(), Some(3));
    let latest = std::fs::read_to_string(checkpoints.path().join("latest")).unwrap();
    let signed: u64 = latest.lines().nth(1).unwrap().parse().unwrap();
    assert!(signed > position, "{latest}");
}
