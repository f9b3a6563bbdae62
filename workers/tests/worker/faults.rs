//! Messages, endpoints and topics that fail.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use brokers::Fingerprint;
use bytes::Bytes;
use domain::settlement::Decision;
use domain::testing::topic_on;
use domain::{BrokerId, Position};
use serde_json::json;
use workers::journal::{
    Claim, Draft, MessageId, Pending, Publication, Representation, Taken, Upstream,
};

use crate::endpoint::{Endpoint, refuse};
use crate::plane::BROKER;
use crate::world::{GROUP, World, body, eventually, header, listener};

#[tokio::test]
async fn a_faulty_message_goes_to_the_dead_letter_queue_with_everything_known() {
    let world = World::new(refuse).await;
    world.broker.write("orders", &[("x-mine", "kept")], b"bad");
    world.assign(|_| {});
    let worker = world.worker().await;
    let dead = &world.dead_letters(1).await[0];
    assert_eq!(body(dead), "bad");
    assert_eq!(dead.key.as_deref(), Some(&b"key"[..]));
    for (name, value) in [
        ("x-mine", "kept"),
        ("eventflows-reason", "refused"),
        ("eventflows-reason-text", "the endpoint answered 422: no"),
        ("eventflows-attempts", "1"),
        ("eventflows-listener-revision", "12"),
        ("eventflows-algorithm", "acme/score"),
        ("eventflows-algorithm-version", "1.0.0"),
        ("eventflows-source-topic", "orders"),
        ("eventflows-source-partition", "0"),
        ("eventflows-source-offset", "0"),
        ("eventflows-source-time", "1970-01-01T00:00:00Z"),
        ("eventflows-failed-at", "2027-01-15T08:00:00Z"),
    ] {
        assert_eq!(header(dead, name), value, "{name}");
    }
    world.settled(1).await;
    assert_eq!(worker.ledger().await.dead_lettered, 1);
    assert!(world.broker.messages("scores").is_empty());
    worker.stop().await;
}

#[tokio::test]
async fn a_message_that_is_too_large_is_never_sent() {
    let world = World::new(refuse).await;
    world.broker.write("orders", &[], &[b'x'; 1001]);
    world.assign(|_| {});
    let worker = world.worker().await;
    let dead = &world.dead_letters(1).await[0];
    assert_eq!(header(dead, "eventflows-reason"), "message_too_large");
    assert_eq!(header(dead, "eventflows-attempts"), "0");
    assert_eq!(world.calls(), 0);
    worker.stop().await;
}

#[tokio::test]
async fn attempts_are_used_up_by_a_message_that_alone_fails() {
    let world = World::new(|_, body| (if body == "bad" { 500 } else { 200 }, body.clone())).await;
    world.broker.write("orders", &[], b"bad");
    for _ in 0..9 {
        world.broker.write("orders", &[], b"good");
    }
    world.assign(|_| {});
    let worker = world.worker().await;
    let dead = &world.dead_letters(1).await[0];
    assert_eq!(header(dead, "eventflows-reason"), "attempts_exhausted");
    assert_eq!(header(dead, "eventflows-attempts"), "3");
    world.settled(10).await;
    assert_eq!(world.calls(), 9 + 3);
    worker.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_is_down_costs_no_message() {
    let mut world = World::new(|_, body| (200, body.clone())).await;
    world.endpoint = None;
    for number in 0..40 {
        world
            .broker
            .write("orders", &[], format!("{number}").as_bytes());
    }
    world.assign(|_| {});
    let worker = world.worker().await;
    world.reported("BLOCKED endpoint_unavailable").await;
    assert_eq!(world.broker.settled(), 0);
    world.endpoint = Some(Endpoint::start(world.port, |_, body| (200, body.clone())).await);
    world.settled(40).await;
    world.reported("UNBLOCKED").await;
    assert!(world.broker.messages("dead").is_empty());
    assert_eq!(world.broker.messages("scores").len(), 40);
    let ledger = worker.ledger().await;
    assert_eq!((ledger.received, ledger.succeeded), (40, 40));
    worker.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_fails_for_every_message_costs_none() {
    let up = Arc::new(AtomicBool::new(false));
    let is_up = Arc::clone(&up);
    let world = World::new(move |_, body| {
        let status = if is_up.load(Ordering::Relaxed) {
            200
        } else {
            503
        };
        (status, body.clone())
    })
    .await;
    for number in 0..40 {
        let body = format!("{number}");
        world.broker.write("orders", &[], body.as_bytes());
    }
    world.assign(|_| {});
    let worker = world.worker().await;
    world.reported("BLOCKED endpoint_unavailable").await;
    eventually("probes", || world.calls() > 40).await;
    up.store(true, Ordering::Relaxed);
    world.settled(40).await;
    assert!(world.broker.messages("dead").is_empty());
    worker.stop().await;
}

#[tokio::test]
async fn a_decision_that_another_made_first_is_the_one_published() {
    let world = World::new(refuse).await;
    world.broker.write("orders", &[], b"bad");
    world.assign(|assignment| assignment["dlq"] = json!(null));
    let worker = world.worker().await;
    world.reported("BLOCKED no_dlq").await;
    let journal = &worker.journal;
    let orders = serde_json::from_value(listener("orders")).unwrap();
    let group = GROUP.parse().unwrap();
    let claim = Claim {
        listener: journal.listener(group, &orders).await.unwrap(),
        taken: Taken::Message {
            group,
            topic: "orders".into(),
            id: MessageId {
                partition: 0,
                offset: 0,
            },
            fingerprint: Fingerprint::new(Some(0), b"bad"),
            upstream: Upstream::default(),
        },
        calls: false,
    };
    let run = journal.claim(vec![claim]).await.unwrap();
    let run = run[0].as_ref().unwrap().run;
    let other = Draft {
        decision: Decision::Succeeded,
        version: "1.0.0".parse().ok(),
        revision: Some(Position(12)),
        status: Some(200),
        reason: None,
        reason_text: None,
        failure: None,
        digest: None,
        call: None,
        pending: Pending::Result(Publication {
            outputs: vec![topic_on(BrokerId(BROKER.parse().unwrap()), "scores")],
            key: None,
            traceparent: Bytes::from_static(b"00-1-2-01"),
            representation: Representation::default(),
            body: Bytes::from_static(b"other"),
        }),
    };
    journal.decide(run, Arc::new(other)).await.unwrap();
    world.assign(|_| {});
    assert_eq!(body(&world.outputs(1).await[0]), "other");
    world.settled(1).await;
    assert!(world.broker.messages("dead").is_empty());
    worker.stop().await;
}

#[tokio::test]
async fn one_message_alone_waits_for_an_endpoint_that_cannot_be_reached() {
    let mut world = World::new(|_, body| (200, body.clone())).await;
    world.endpoint = None;
    world.broker.write("orders", &[], b"one");
    world.assign(|_| {});
    let worker = world.worker().await;
    world.reported("BLOCKED endpoint_unavailable").await;
    world.endpoint = Some(Endpoint::start(world.port, |_, body| (200, body.clone())).await);
    world.settled(1).await;
    assert!(world.broker.messages("dead").is_empty());
    worker.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_refuses_us_blocks_the_listener_and_probes() {
    let allowed = Arc::new(AtomicBool::new(false));
    let allows = Arc::clone(&allowed);
    let world = World::new(move |_, body| {
        let status = if allows.load(Ordering::Relaxed) {
            200
        } else {
            401
        };
        (status, body.clone())
    })
    .await;
    world.broker.write("orders", &[], b"one");
    world.assign(|_| {});
    let worker = world.worker().await;
    world.reported("BLOCKED not_authorized").await;
    eventually("more probes than attempts", || world.calls() > 6).await;
    allowed.store(true, Ordering::Relaxed);
    world.settled(1).await;
    world.reported("UNBLOCKED").await;
    worker.stop().await;
}

#[tokio::test]
async fn a_dead_letter_queue_that_is_down_holds_the_position() {
    let world = World::new(refuse).await;
    world.broker.refuse("dead", true);
    world.broker.write("orders", &[], b"bad");
    world.assign(|_| {});
    let worker = world.worker().await;
    world.reported("BLOCKED topic_unavailable").await;
    assert_eq!(world.broker.settled(), 0);
    world.broker.refuse("dead", false);
    world.dead_letters(1).await;
    world.settled(1).await;
    world.reported("UNBLOCKED").await;
    worker.stop().await;
}

#[tokio::test]
async fn a_faulty_message_without_a_dead_letter_queue_waits_for_one() {
    let world = World::new(refuse).await;
    world.broker.write("orders", &[], b"bad");
    world.assign(|assignment| assignment["dlq"] = json!(null));
    let worker = world.worker().await;
    world.reported("BLOCKED no_dlq").await;
    let ledger = worker.ledger().await;
    assert_eq!((ledger.received, ledger.in_flight), (1, 1));
    world.assign(|_| {});
    world.dead_letters(1).await;
    world.reported("UNBLOCKED").await;
    worker.stop().await;
}

#[tokio::test]
async fn a_listener_that_drops_faults_records_them() {
    let world = World::new(refuse).await;
    world.broker.write("orders", &[], b"bad");
    world.assign(|assignment| {
        assignment["dlq"] = json!(null);
        assignment["settings"]["faults"] = json!("DROP");
    });
    let worker = world.worker().await;
    world.settled(1).await;
    assert_eq!(worker.ledger().await.dropped, 1);
    worker.stop().await;
}

#[tokio::test]
async fn a_listener_that_waits_for_a_queue_goes_on_once_it_may_drop_faults() {
    let world = World::new(refuse).await;
    world.broker.write("orders", &[], b"bad");
    let without_queue = |faults| {
        world.assign(|assignment| {
            assignment["dlq"] = json!(null);
            assignment["settings"]["faults"] = json!(faults);
        });
    };
    without_queue("BLOCK");
    let worker = world.worker().await;
    world.reported("BLOCKED no_dlq").await;
    assert_eq!(world.broker.settled(), 0);
    without_queue("DROP");
    world.settled(1).await;
    world.reported("UNBLOCKED").await;
    assert_eq!(worker.ledger().await.dropped, 1);
    assert_eq!(world.calls(), 1);
    worker.stop().await;
}

#[tokio::test]
async fn a_listener_whose_selector_matches_nothing_waits_for_a_version() {
    let world = World::new(|_, body| (200, body.clone())).await;
    world.broker.write("orders", &[], b"one");
    world.assign(|assignment| assignment["version"] = json!(null));
    let worker = world.worker().await;
    world.reported("BLOCKED no_version").await;
    world.assign(|_| {});
    world.settled(1).await;
    world.reported("UNBLOCKED").await;
    worker.stop().await;
}

#[tokio::test]
async fn a_panic_over_one_message_restarts_its_consumer_and_loses_nothing() {
    let world = World::new(|_, body| (200, body.clone())).await;
    world.broker.panic(1);
    for body in ["one", "two", "three"] {
        world.broker.write("orders", &[], body.as_bytes());
    }
    world.assign(|_| {});
    let worker = world.worker().await;
    world
        .reported("FAILED the task of a message panicked")
        .await;
    world.settled(3).await;
    assert_eq!(world.broker.messages("scores").len(), 3);
    assert_eq!(world.calls(), 3);
    worker.stop().await;
    assert_eq!(world.broker.open_sources(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_panic_over_one_message_lets_those_taken_with_it_end() {
    let (release, held) = mpsc::channel();
    let held = Mutex::new(held);
    let world = World::new(move |_, body| {
        if body == "slow" {
            held.lock().unwrap().recv().unwrap();
        }
        (200, body.clone())
    })
    .await;
    world.broker.panic(1);
    for body in ["slow", "quick"] {
        world.broker.write("orders", &[], body.as_bytes());
    }
    world.assign(|_| {});
    let worker = world.worker().await;
    eventually("a panic", || world.broker.panics() == 0).await;
    release.send(()).unwrap();
    world.settled(2).await;
    // Both were called once: the slow one was let end, the quick one was decided.
    assert_eq!(world.calls(), 2);
    worker.stop().await;
}

#[tokio::test]
async fn a_broker_that_is_away_fails_the_consumer_until_it_is_back() {
    let world = World::new(|_, body| (200, body.clone())).await;
    world.broker.go_away(true);
    world.broker.write("orders", &[], b"one");
    world.assign(|_| {});
    let worker = world.worker().await;
    world
        .reported("FAILED the source could not be opened")
        .await;
    world.broker.go_away(false);
    world.settled(1).await;
    world.reported("STARTED").await;
    worker.stop().await;
}

/// The endpoint answers those of one body when the test is over.
#[tokio::test]
async fn an_answer_that_does_not_come_in_the_versions_time_is_a_failed_attempt() {
    let (over, is_over) = mpsc::channel::<()>();
    let is_over = Mutex::new(is_over);
    let world = World::new(move |_, body| {
        if body == "slow" {
            let _ = is_over.lock().unwrap().recv();
        }
        (200, body.clone())
    })
    .await;
    world.broker.write("orders", &[], b"slow");
    world.assign(|assignment| {
        assignment["version"]["timeout_ms"] = json!(300);
        assignment["settings"]["retry"]["max_attempts"] = json!(2);
    });
    let worker = world.worker().await;
    // Those that are answered meanwhile show that the endpoint is there.
    eventually("the dead letter", || {
        world.broker.write("orders", &[], b"quick");
        !world.broker.messages("dead").is_empty()
    })
    .await;
    let dead = &world.broker.messages("dead")[0];
    assert_eq!(body(dead), "slow");
    assert_eq!(header(dead, "eventflows-reason"), "attempts_exhausted");
    let text = header(dead, "eventflows-reason-text");
    assert!(text.ends_with("no answer within 300 ms"), "{text}");
    drop(over);
    worker.stop().await;
}
