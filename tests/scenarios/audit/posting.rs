//! Checkpoints leave the machine: each is posted to a URL, and a server that is down holds up nothing.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::StatusCode;
use serde_json::json;
use tests::{Endpoint, Eventflows, eventually};

use super::{CREATE, run};

#[tokio::test]
async fn the_newest_checkpoint_reaches_a_server_that_fails_at_first() {
    let failures = AtomicUsize::new(2);
    let taker = Endpoint::start(move |_| {
        let left = failures.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            left.checked_sub(1)
        });
        let status = if left.is_ok() {
            StatusCode::SERVICE_UNAVAILABLE
        } else {
            StatusCode::NO_CONTENT
        };
        (status, Bytes::new())
    });
    let taker = taker.await;
    let (url, checkpoints) = (taker.url("/take"), tempfile::tempdir().unwrap());
    let environment = [
        ("EVENTFLOWS_CHECKPOINTS", checkpoints.path()),
        ("EVENTFLOWS_CHECKPOINT_URL", Path::new(&url)),
    ];
    let data = tempfile::tempdir().unwrap();
    let mut server = Eventflows::start_with(data, &environment).await;
    server.api().done(CREATE, json!({ "name": "acme" })).await;
    // The last checkpoint is made, and posted, when the server stops.
    server.terminate().await;
    let mut server = server.start_again().await;
    // It was refused: after a restart it is posted again, and once more.
    eventually("a checkpoint that is taken", async || {
        (taker.calls().len() >= 3).then_some(())
    })
    .await;
    let latest = fs::read_to_string(checkpoints.path().join("latest")).unwrap();
    for call in taker.calls() {
        assert_eq!(call.path, "/take");
        assert_eq!(call.headers["content-type"], "text/plain; charset=utf-8");
        let text = String::from_utf8(call.body.to_vec()).unwrap();
        assert!(text.starts_with("eventflows\n"), "{text}");
    }
    // The same again, not the next one.
    assert_eq!(taker.calls()[1].body, latest.as_bytes());
    assert_eq!(taker.calls()[2].body, latest.as_bytes());
    server.terminate().await;

    // What was taken verifies the log on its own, by a key that was kept.
    let kept = tempfile::tempdir().unwrap();
    fs::write(kept.path().join("latest"), &taker.calls()[2].body).unwrap();
    let key = checkpoints.path().join("log.vkey");
    let arguments = ["verify", "--json", "--public-key", key.to_str().unwrap()];
    let environment = [
        ("EVENTFLOWS_DATA", server.data()),
        ("EVENTFLOWS_CHECKPOINTS", kept.path()),
    ];
    let report = run(&arguments, &environment);
    let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
    // There is no leaves file beside it, which is said, but everything is proved.
    assert_eq!(report["proved"], report["covered"]);
    assert_eq!(report["first_bad_position"], serde_json::Value::Null);
}

#[tokio::test]
async fn a_url_that_is_down_holds_up_nothing() {
    let mut taker = Endpoint::echo().await;
    taker.go_down();
    let (url, checkpoints) = (taker.url("/"), tempfile::tempdir().unwrap());
    let environment = [
        ("EVENTFLOWS_CHECKPOINTS", checkpoints.path()),
        ("EVENTFLOWS_CHECKPOINT_URL", Path::new(&url)),
    ];
    let data = tempfile::tempdir().unwrap();
    let mut server = Eventflows::start_with(data, &environment).await;
    for number in 0..20 {
        server
            .api()
            .done(CREATE, json!({ "name": format!("org-{number}") }))
            .await;
    }
    server.terminate().await;
    assert!(checkpoints.path().join("latest").exists());
}
