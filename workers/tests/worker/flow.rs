//! Messages that pass, and workers that come and go.

use std::collections::BTreeSet;
use std::sync::{Mutex, mpsc};

use bytes::Bytes;
use serde_json::json;

use crate::plane::{self, SUCCESSOR, WORKER};
use crate::world::{World, body, eventually, header, listener, owner};

fn echo(_: usize, body: &Bytes) -> (u16, Bytes) {
    (200, Bytes::from([b"scored ", &body[..]].concat()))
}

#[tokio::test]
async fn a_result_goes_to_the_output_under_the_messages_key() {
    let world = World::new(echo).await;
    world.broker.write("orders", &[], b"one");
    world.assign(|_| {});
    let worker = world.worker().await;

    let output = &world.outputs(1).await[0];
    assert_eq!(body(output), "scored one");
    assert_eq!(output.key.as_deref(), Some(&b"key"[..]));
    assert_eq!(header(output, "content-type"), "text/x-answer");
    assert_eq!(header(output, "eventflows-algorithm"), "acme/score");
    assert_eq!(header(output, "eventflows-algorithm-version"), "1.0.0");
    assert_eq!(header(output, "ce_id"), header(output, "eventflows-run-id"));
    world.settled(1).await;
    let calls = &world.endpoint.as_ref().unwrap().calls;
    let key = calls.lock().unwrap()[0].headers["idempotency-key"].clone();
    assert_eq!(key.to_str().unwrap(), header(output, "ce_id"));
    assert_eq!(worker.ledger().await.succeeded, 1);
    worker.stop().await;
    let reports = world.plane.reports();
    assert_eq!(reports, ["WorkerJoin", "STARTED", "STOPPED", "WorkerLeave"]);
    assert_eq!(world.broker.open_sources(), 0);
}

#[tokio::test]
async fn a_message_in_the_place_of_another_has_a_run_of_its_own() {
    let world = World::new(echo).await;
    world.broker.write("orders", &[], b"old");
    world.broker.write("orders", &[], b"same");
    world.assign(|_| {});
    let worker = world.worker().await;
    world.settled(2).await;
    worker.stop().await;

    world.broker.recreate("orders");
    world.broker.write("orders", &[], b"new");
    world.broker.write("orders", &[], b"more");
    let worker = world.worker().await;
    world.settled(2).await;
    let outputs = world.outputs(4).await;
    let bodies: BTreeSet<_> = outputs.iter().map(body).collect();
    assert!(bodies.contains(&b"scored new"[..]) && bodies.contains(&b"scored more"[..]));
    let ids: BTreeSet<_> = outputs
        .iter()
        .map(|output| header(output, "eventflows-run-id"))
        .collect();
    assert_eq!(ids.len(), 4);
    let ledger = worker.ledger().await;
    assert_eq!((ledger.received, ledger.succeeded), (4, 4));
    worker.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_has_nothing_to_say_publishes_nothing() {
    let world = World::new(|_, body| match &body[..] {
        b"nothing" => (204, Bytes::new()),
        b"empty" => (200, Bytes::new()),
        _ => (200, body.clone()),
    })
    .await;
    for body in ["nothing", "empty", "last"] {
        world.broker.write("orders", &[], body.as_bytes());
    }
    world.assign(|assignment| assignment["settings"]["concurrency"] = json!(1));
    let worker = world.worker().await;
    // Settled in their order, so that nothing of the first one can still come.
    world.settled(3).await;
    let mut bodies: Vec<Bytes> = world.outputs(2).await.iter().map(body).collect();
    bodies.sort();
    assert_eq!(bodies, ["", "last"]);
    assert_eq!(worker.ledger().await.succeeded, 3);
    worker.stop().await;
}

#[tokio::test]
async fn a_body_that_is_not_text_passes_untouched_with_its_content_type() {
    let world = World::new(|_, body| (200, body.clone())).await;
    let bytes = b"\xff\0\xfe";
    world
        .broker
        .write("orders", &[("Content-Type", "image/x-odd")], bytes);
    world.assign(|_| {});
    let worker = world.worker().await;
    assert_eq!(body(&world.outputs(1).await[0]), &bytes[..]);
    {
        let endpoint = world.endpoint.as_ref().unwrap();
        let calls = endpoint.calls.lock().unwrap();
        assert_eq!(calls[0].headers["content-type"], "image/x-odd");
        assert_eq!(calls[0].body, &bytes[..]);
    }
    worker.stop().await;
}

/// The endpoint answers once the test says so, which a blocked thread of the runtime waits for.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_result_waits_for_a_publisher_that_is_being_moved() {
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let world = World::new(move |call, body| {
        if body == "large" {
            return (422, Bytes::new());
        }
        released.lock().unwrap().recv().unwrap();
        echo(call, body)
    })
    .await;
    world.broker.write("orders", &[], b"one");
    world.assign(|_| {});
    let worker = world.worker().await;
    eventually("the call", || world.calls() == 1).await;
    world.assign(|assignment| {
        let outputs = assignment["outputs"]["known"].take();
        assignment["outputs"] = json!({ "moving": outputs });
        assignment["settings"]["max_message_bytes"] = json!(3);
    });
    // Such a message is too large only once the worker knows the assignment.
    eventually("a message that is too large", || {
        world.broker.write("orders", &[], b"large");
        let dead = world.broker.messages("dead");
        let reason = |dead| header(dead, "eventflows-reason") == "message_too_large";
        dead.iter().any(reason)
    })
    .await;
    release.send(()).unwrap();
    while worker.ledger().await.succeeded == 0 {
        tokio::task::yield_now().await;
    }
    assert!(world.broker.messages("scores").is_empty());
    let mut moved = world.assignment("orders");
    moved["outputs"]["known"][0]["broker"] = json!(SUCCESSOR);
    let changes = json!([{ "listener": moved["listener"], "assignment": moved }]);
    world.plane.send(json!([plane::successor()]), changes);
    assert_eq!(body(&world.outputs(1).await[0]), "scored one");
    worker.stop().await;
}

#[tokio::test]
async fn a_change_of_version_reaches_the_running_consumer_and_its_runs() {
    let world = World::new(echo).await;
    world.assign(|_| {});
    world.broker.write("orders", &[], b"one");
    let worker = world.worker().await;
    world.settled(1).await;
    world.assign(|assignment| assignment["version"]["version"] = json!("1.1.0"));
    // Nothing says when the worker has seen it; what it takes then must carry the version.
    eventually("the new version", || {
        world.broker.write("orders", &[], b"more");
        let outputs = world.broker.messages("scores");
        let last = outputs
            .last()
            .map(|last| header(last, "eventflows-algorithm-version"));
        last.as_deref() == Some("1.1.0")
    })
    .await;
    let newest = &worker.journal.runs(&owner(), None, 1000).await.unwrap();
    let versions: Vec<_> = newest
        .iter()
        .filter_map(|run| Some(run.end.as_ref()?.version.as_ref()?.to_string()))
        .collect();
    assert_eq!(versions.last().map(String::as_str), Some("1.0.0"));
    assert!(versions.iter().any(|version| version == "1.1.0"));
    worker.stop().await;
    let started = world
        .plane
        .reports()
        .iter()
        .filter(|told| *told == "STARTED")
        .count();
    assert_eq!(started, 1);
}

#[tokio::test]
async fn a_worker_that_comes_back_goes_on_where_it_was() {
    let world = World::new(echo).await;
    world.assign(|_| {});
    world.broker.write("orders", &[], b"one");
    let worker = world.worker().await;
    world.settled(1).await;
    worker.stop().await;
    world.broker.write("orders", &[], b"two");
    let worker = world.worker().await;
    world.settled(2).await;
    assert_eq!(world.outputs(2).await.len(), 2);
    assert_eq!(world.calls(), 2);
    worker.stop().await;
}

#[tokio::test]
async fn a_decided_run_is_published_after_a_crash_without_another_call() {
    let world = World::new(|number, _| (200, Bytes::from(format!("answer {number}")))).await;
    world.assign(|_| {});
    world.broker.refuse("scores", true);
    world.broker.write("orders", &[], b"one");
    let worker = world.worker().await;
    world.reported("BLOCKED topic_unavailable").await;
    worker.kill().await;
    assert_eq!((world.calls(), world.broker.settled()), (1, 0));

    world.broker.refuse("scores", false);
    let worker = world.worker().await;
    assert_eq!(body(&world.outputs(1).await[0]), "answer 0");
    world.settled(1).await;
    assert_eq!(world.calls(), 1);
    assert_eq!(worker.ledger().await.received, 1);
    worker.stop().await;
}

#[tokio::test]
async fn a_broken_subscription_is_resumed_after_the_last_position() {
    let world = World::new(echo).await;
    world.assign(|_| {});
    let worker = world.worker().await;
    world.reported("STARTED").await;
    world.plane.break_off(0);
    world.unassign("orders");
    world.reported("STOPPED").await;
    assert_eq!(world.plane.subscribed_after(), [json!(null), json!("1")]);
    worker.stop().await;
}

/// The listener was disabled after the part that named it, and before the worker asked again.
#[tokio::test]
async fn what_a_snapshot_in_parts_no_longer_names_is_stopped() {
    let world = World::new(echo).await;
    let change =
        |topic| json!({ "listener": listener(topic), "assignment": world.assignment(topic) });
    let brokers = || json!([plane::broker()]);
    world
        .plane
        .send_part(brokers(), json!([change("orders")]), false);
    let worker = world.worker().await;
    world.reported("STARTED").await;
    world.plane.forget();
    world
        .plane
        .send_part(json!([]), json!([change("payments")]), false);
    world.plane.send(brokers(), json!([]));
    world.reported("STOPPED").await;
    assert_eq!(world.plane.subscribed_after(), [json!(null), json!(null)]);
    let stopped = &world.plane.told("ConsumerReport");
    let stopped = stopped.iter().find(|told| told["report"] == "STOPPED");
    assert_eq!(stopped.unwrap()["listener"], listener("orders"));
    worker.stop().await;
}

#[tokio::test]
async fn a_report_is_repeated_until_it_is_accepted() {
    let world = World::new(echo).await;
    world.plane.break_off(3);
    world.assign(|_| {});
    let worker = world.worker().await;
    world.reported("STARTED").await;
    worker.stop().await;
    assert_eq!(world.plane.reports().len(), 4);
}

#[tokio::test]
async fn another_source_restarts_the_consumer_and_none_stops_it() {
    let world = World::new(echo).await;
    world.assign(|_| {});
    let worker = world.worker().await;
    world.reported("STARTED").await;
    world.assign(|assignment| assignment["settings"]["concurrency"] = json!(5));
    eventually("the restart", || {
        world.plane.reports() == ["WorkerJoin", "STARTED", "STOPPED", "STARTED"]
    })
    .await;
    world.unassign("orders");
    eventually("the stop", || world.broker.open_sources() == 0).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_request_for_topics_is_answered() {
    let world = World::new(echo).await;
    world.broker.write("orders", &[], b"");
    world.plane.request(
        json!({ "__typename": "ListTopicsRequest", "requestId": "r1", "secret": "s1",
            "settings": { "kind": "KAFKA", "bootstrap_servers": ["b:1"], "security": "PLAINTEXT" } }),
    );
    let worker = world.worker().await;
    world.reported("WorkerAnswer").await;
    let expected = json!({ "workerId": WORKER, "requestId": "r1", "secret": "s1", "answer": {
        "topics": { "topics": [{ "name": "orders", "partitions": 1 }], "more": false },
    } });
    assert_eq!(world.plane.told("WorkerAnswer"), [expected]);
    worker.stop().await;
}

#[tokio::test]
async fn many_topics_are_answered_in_parts_that_fit_into_a_request() {
    let world = World::new(echo).await;
    let name = |number| format!("orders-{number:04}-{}", "x".repeat(200));
    let names: Vec<_> = (0..1000).map(name).collect();
    for name in &names {
        world.broker.write(name, &[], b"");
    }
    world.plane.request(
        json!({ "__typename": "ListTopicsRequest", "requestId": "r1", "secret": "s1",
            "settings": { "kind": "KAFKA", "bootstrap_servers": ["b:1"], "security": "PLAINTEXT" } }),
    );
    let worker = world.worker().await;
    let parts = || world.plane.told("WorkerAnswer");
    eventually("the last part", || {
        parts()
            .last()
            .is_some_and(|part| part["answer"]["topics"]["more"] == false)
    })
    .await;
    let parts = parts();
    assert!(parts.len() > 2, "{}", parts.len());
    assert!(parts.iter().all(|part| part.to_string().len() < 128 * 1024));
    let topics = parts
        .iter()
        .flat_map(|part| part["answer"]["topics"]["topics"].as_array().unwrap());
    let mut told: Vec<_> = topics
        .map(|topic| topic["name"].as_str().unwrap())
        .collect();
    told.sort_unstable();
    assert_eq!(told, names);
    worker.stop().await;
}

#[tokio::test]
async fn a_request_of_a_newer_control_plane_is_answered_that_it_is_not_known() {
    let world = World::new(echo).await;
    world.plane.request(
        json!({ "__typename": "TellTheTimeRequest", "requestId": "r1",
        "secret": "s1" }),
    );
    let worker = world.worker().await;
    world.reported("WorkerAnswer").await;
    let expected = json!({ "workerId": WORKER, "requestId": "r1", "secret": "s1", "answer": {
        "failed": "the worker does not know the request",
    } });
    assert_eq!(world.plane.told("WorkerAnswer"), [expected]);
    worker.stop().await;
}

#[tokio::test]
async fn a_request_for_what_waits_is_answered() {
    let world = World::new(echo).await;
    for _ in 0..3 {
        world.broker.write("orders", &[], b"");
    }
    world
        .plane
        .request(json!({ "__typename": "BacklogRequest", "requestId": "r1",
        "secret": "s1", "topic": "orders", "group": "g1", "reset": 0, "start": { "at": "EARLIEST" },
        "settings": { "kind": "KAFKA", "bootstrap_servers": ["b:1"], "security": "PLAINTEXT" } }));
    let worker = world.worker().await;
    world.reported("WorkerAnswer").await;
    let expected = json!({ "workerId": WORKER, "requestId": "r1", "secret": "s1", "answer": {
        "backlog": { "hasPosition": false, "waiting": "3" },
    } });
    assert_eq!(world.plane.told("WorkerAnswer"), [expected]);
    worker.stop().await;
}
