//! Whose fault a failed call is: the message's or the endpoint's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use crate::endpoint::Answer;
use crate::world::{World, body, eventually, header, owner};

/// Answers `bad` with that status, and anything else with itself.
fn refusing(status: u16) -> impl Fn(usize, &Bytes) -> (u16, Bytes) + Send + Sync + 'static {
    move |_, body| (if body == "bad" { status } else { 200 }, body.clone())
}

fn attempts(world: &World, max_attempts: u32) {
    world.assign(|assignment| {
        assignment["settings"]["retry"]["max_attempts"] = json!(max_attempts);
    });
}

#[tokio::test]
async fn one_message_that_always_fails_does_not_hold_those_behind_it() {
    let world = World::new(refusing(500)).await;
    world.broker.write("orders", &[], b"bad");
    attempts(&world, 10);
    let worker = world.worker().await;
    world.reported("BLOCKED endpoint_unavailable").await;
    world.broker.write("orders", &[], b"good");
    assert_eq!(body(&world.outputs(1).await[0]), "good");
    let dead = &world.dead_letters(1).await[0];
    assert_eq!(header(dead, "eventflows-reason"), "attempts_exhausted");
    assert_eq!(header(dead, "eventflows-attempts"), "10");
    let text = header(dead, "eventflows-reason-text");
    assert!(text.contains("the endpoint answered 500"), "{text}");
    world.settled(2).await;
    world.reported("UNBLOCKED").await;
    worker.stop().await;
}

#[tokio::test]
async fn sixty_faulty_messages_in_a_row_do_not_hold_the_good_ones_behind_them() {
    let world = World::new(refusing(500)).await;
    for _ in 0..60 {
        world.broker.write("orders", &[], b"bad");
    }
    for _ in 0..5 {
        world.broker.write("orders", &[], b"good");
    }
    world.assign(|_| {});
    let worker = world.worker().await;
    world.settled(65).await;
    assert_eq!(world.broker.messages("dead").len(), 60);
    assert_eq!(world.broker.messages("scores").len(), 5);
    worker.stop().await;
}

#[tokio::test]
async fn one_message_that_is_forbidden_among_good_ones_becomes_a_dead_letter() {
    for status in [401, 403] {
        let world = World::new(refusing(status)).await;
        for number in 0..200 {
            let body = if number == 20 { "bad" } else { "good" };
            world.broker.write("orders", &[], body.as_bytes());
        }
        world.assign(|_| {});
        let worker = world.worker().await;
        world.settled(200).await;
        let dead = world.broker.messages("dead");
        assert_eq!(dead.len(), 1);
        assert_eq!(header(&dead[0], "eventflows-reason"), "refused");
        assert_eq!(header(&dead[0], "eventflows-attempts"), "3");
        let calls = world.calls_of("bad");
        assert!((3..=5).contains(&calls), "{calls}");
        worker.stop().await;
        let reports = world.plane.reports().len();
        assert!(reports < 10, "{reports}");
    }
}

#[tokio::test]
async fn a_brownout_costs_no_good_message() {
    const BAD_CALLS: usize = 1500;
    let world = World::new(|number, body: &Bytes| {
        // Seven of ten fail, in no order (a step of SplitMix64).
        let mixed = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let fails = number < BAD_CALLS && (mixed ^ (mixed >> 27)) % 10 < 7;
        (if fails { 503 } else { 200 }, body.clone())
    })
    .await;
    for number in 0..600 {
        let body = format!("{number}");
        world.broker.write("orders", &[], body.as_bytes());
    }
    attempts(&world, 5);
    let worker = world.worker().await;
    world.reported("BLOCKED endpoint_unavailable").await;
    world.settled(600).await;
    assert!(world.calls() > BAD_CALLS);
    assert!(world.broker.messages("dead").is_empty());
    assert_eq!(worker.ledger().await.succeeded, 600);
    worker.stop().await;
}

#[tokio::test]
async fn a_kept_connection_that_ends_before_the_answer_costs_no_attempt() {
    let world = World::new(|_, body: &Bytes| (200, body.clone())).await;
    let endpoint = world.endpoint.as_ref().unwrap();
    endpoint.answer_once_per_connection();
    for _ in 0..10 {
        world.broker.write("orders", &[], b"good");
    }
    world.assign(|assignment| {
        assignment["settings"]["retry"]["max_attempts"] = json!(1);
        assignment["settings"]["concurrency"] = json!(1);
    });
    let worker = world.worker().await;
    world.settled(10).await;
    assert_eq!(worker.ledger().await.succeeded, 10);
    let runs = worker.journal.runs(&owner(), None, 100).await.unwrap();
    assert!(runs.iter().all(|run| run.attempts == 1), "{runs:?}");
    // Every other call met the end of a connection.
    assert!(world.calls() > 10);
    let reports = world.plane.reports();
    assert!(!reports.iter().any(|report| report.starts_with("BLOCKED")));
    worker.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_asks_for_a_wait_costs_no_attempt() {
    for (status, wait) in [
        (503, "0"),
        (503, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (429, "0"),
        (429, "soon"),
    ] {
        let world = World::new(move |number, body: &Bytes| match number {
            0..4 => Answer::from((status, "retry-after", wait.to_owned())),
            _ => Answer::from((200, body.clone())),
        })
        .await;
        world.broker.write("orders", &[], b"good");
        attempts(&world, 1);
        let worker = world.worker().await;
        world.settled(1).await;
        assert_eq!(worker.ledger().await.succeeded, 1, "{status} {wait}");
        let runs = worker.journal.runs(&owner(), None, 1).await.unwrap();
        assert_eq!(runs[0].attempts, 1, "{status} {wait}");
        worker.stop().await;
    }
}

/// The wait is an hour and nobody waits for it: nothing is called, and people hear why.
#[tokio::test]
async fn a_long_wait_that_is_asked_for_holds_the_listener_and_is_told() {
    let world = World::new(|_, _: &Bytes| {
        let hour = "3600".to_owned();
        Answer::from((503, "retry-after", hour))
    })
    .await;
    for _ in 0..5 {
        world.broker.write("orders", &[], b"good");
    }
    world.assign(|assignment| assignment["settings"]["concurrency"] = json!(1));
    let worker = world.worker().await;
    world.reported("BLOCKED endpoint_unavailable").await;
    assert_eq!(world.calls(), 1);
    assert!(world.broker.messages("dead").is_empty());
    worker.stop().await;
}

#[tokio::test]
async fn a_quota_that_is_used_up_blocks_the_listener() {
    let quota = br#"{"error":{"code":"insufficient_quota"}}"#;
    let world = World::new(|_, _: &Bytes| (429, Bytes::from_static(quota))).await;
    world.broker.write("orders", &[], b"good");
    world.assign(|_| {});
    let worker = world.worker().await;
    world.reported("BLOCKED quota_exhausted").await;
    worker.stop().await;
    assert!(world.broker.messages("dead").is_empty());
}

#[tokio::test]
async fn a_redirect_of_every_message_blocks_the_listener_and_names_where_to() {
    let is_mended = Arc::new(AtomicBool::new(false));
    let mended = Arc::clone(&is_mended);
    let world = World::new(move |_, body: &Bytes| {
        if mended.load(Ordering::Relaxed) {
            return Answer::from((200, body.clone()));
        }
        Answer::from((307, "location", "/score/".to_owned()))
    })
    .await;
    for _ in 0..100 {
        world.broker.write("orders", &[], b"good");
    }
    world.assign(|_| {});
    let worker = world.worker().await;
    world.reported("BLOCKED wrong_endpoint").await;
    let told = world.plane.told("ConsumerReport");
    let blocked = told.iter().find(|told| told["report"] == "BLOCKED");
    assert_eq!(
        blocked.unwrap()["text"],
        "wrong_endpoint: the endpoint answered 307: Location: /score/"
    );
    is_mended.store(true, Ordering::Relaxed);
    world.settled(100).await;
    assert!(world.broker.messages("dead").is_empty());
    worker.stop().await;
}

#[tokio::test]
async fn a_redirect_of_one_message_among_good_ones_makes_it_a_dead_letter() {
    let world = World::new(|_, body: &Bytes| {
        if body == "bad" {
            return Answer::from((308, "location", "/elsewhere".to_owned()));
        }
        Answer::from((200, body.clone()))
    })
    .await;
    for number in 0..50 {
        let body = if number == 10 { "bad" } else { "good" };
        world.broker.write("orders", &[], body.as_bytes());
    }
    world.assign(|_| {});
    let worker = world.worker().await;
    world.settled(50).await;
    let dead = world.broker.messages("dead");
    assert_eq!(dead.len(), 1);
    let text = header(&dead[0], "eventflows-reason-text");
    assert!(text.ends_with("308: Location: /elsewhere"), "{text}");
    worker.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_refuses_every_message_blocks_the_listener() {
    let world = World::new(|_, _: &Bytes| (400, Bytes::from_static(b"still loading"))).await;
    for _ in 0..100 {
        world.broker.write("orders", &[], b"good");
    }
    world.assign(|_| {});
    let worker = world.worker().await;
    world.reported("BLOCKED refused").await;
    worker.stop().await;
    let dead = world.broker.messages("dead").len();
    assert!((19..30).contains(&dead), "{dead}");
}

#[tokio::test]
async fn a_block_that_does_not_last_is_no_event() {
    let failures = Arc::new(AtomicUsize::new(0));
    let failed = Arc::clone(&failures);
    let mut world = World::new(move |_, body: &Bytes| {
        let fails = failed.fetch_add(1, Ordering::Relaxed) < 30;
        (if fails { 503 } else { 200 }, body.clone())
    })
    .await;
    world.notice = Duration::from_secs(3600);
    for _ in 0..40 {
        world.broker.write("orders", &[], b"good");
    }
    world.assign(|_| {});
    let worker = world.worker().await;
    world.settled(40).await;
    worker.stop().await;
    let reports = world.plane.reports();
    assert_eq!(reports, ["WorkerJoin", "STARTED", "STOPPED", "WorkerLeave"]);
}

#[tokio::test]
async fn a_call_that_a_stop_cuts_short_costs_no_attempt() {
    let mut world = World::new(|_, body: &Bytes| (200, body.clone())).await;
    world.grace = Duration::ZERO;
    world.hold(true);
    world.broker.write("orders", &[], b"slow");
    attempts(&world, 1);
    for stops in 1..=5 {
        let worker = world.worker().await;
        eventually("the call", || world.calls() == stops).await;
        let journal = worker.journal.clone();
        worker.stop().await;
        // The journal writes some time later that an attempt was taken back.
        let taken_back = async {
            while journal.runs(&owner(), None, 1).await.unwrap()[0].attempts > 0 {
                tokio::task::yield_now().await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), taken_back).await;
        assert!(waited.is_ok(), "{stops}");
    }
    world.hold(false);
    let worker = world.worker().await;
    world.settled(1).await;
    assert_eq!(worker.ledger().await.succeeded, 1);
    worker.stop().await;
}

#[tokio::test]
async fn messages_that_were_called_when_the_worker_crashed_are_called_one_at_a_time() {
    let world = World::new(|_, body: &Bytes| (200, body.clone())).await;
    world.hold(true);
    for body in ["one", "two", "three", "four"] {
        world.broker.write("orders", &[], body.as_bytes());
    }
    attempts(&world, 1);
    let worker = world.worker().await;
    eventually("the calls", || world.calls() == 4).await;
    worker.kill().await;
    // A message that nobody suspects waits for them, too.
    world.broker.write("orders", &[], b"five");
    let worker = world.worker().await;
    let calls = || world.calls();
    eventually("a call", || calls() == 5).await;
    while worker.ledger().await.received < 5 {
        tokio::task::yield_now().await;
    }
    assert_eq!(calls(), 5);
    world.hold(false);
    world.settled(5).await;
    assert_eq!(worker.ledger().await.succeeded, 5);
    worker.stop().await;
}

#[tokio::test]
async fn good_messages_that_are_refused_with_a_bad_one_in_their_batch_are_called_alone_and_pass() {
    // A server that answers its first four calls as one batch, and every other by itself.
    let world = World::new(|call, body: &Bytes| {
        let is_refused = call < 4 || body == "bad";
        (if is_refused { 422 } else { 200 }, body.clone())
    });
    let world = world.await;
    world.hold(true);
    for body in ["one", "bad", "two", "three"] {
        world.broker.write("orders", &[], body.as_bytes());
    }
    world.assign(|_| {});
    let worker = world.worker().await;
    eventually("the batch", || world.calls() == 4).await;
    world.hold(false);
    world.settled(4).await;
    let dead = world.dead_letters(1).await;
    assert_eq!((dead.len(), body(&dead[0]).as_ref()), (1, &b"bad"[..]));
    assert_eq!(header(&dead[0], "eventflows-attempts"), "2");
    assert_eq!(world.outputs(3).await.len(), 3);
    assert_eq!(world.calls(), 4 + 4);
    worker.stop().await;
}
