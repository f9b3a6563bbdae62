//! Runs that somebody asks for directly.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::algorithm::Protocol;
use domain::run::{
    CalledVersion, DirectError, DirectOutcome, DirectRun, DirectRunner, OutputState, Run,
};
use domain::settlement::{Answer, Decision, Reason};
use serde_json::json;
use tokio::sync::Semaphore;
use workers::DirectRuns;
use workers::journal::Owner;

use crate::world::{Running, World, body, eventually, header};

const ALGORITHM: &str = "acme/score";

fn echo(_: usize, body: &Bytes) -> (u16, Bytes) {
    (200, Bytes::from([b"scored ", &body[..]].concat()))
}

fn run(world: &World, body: &'static [u8]) -> DirectRun {
    let room = Arc::new(Semaphore::new(1));
    DirectRun {
        algorithm: ALGORITHM.parse().unwrap(),
        version: CalledVersion {
            version: "1.0.0".parse().unwrap(),
            endpoint: format!("http://127.0.0.1:{}/score", world.port),
            protocol: Protocol::Raw,
            timeout_ms: 20_000,
            calls: Default::default(),
        },
        content_type: "text/plain",
        body: Bytes::from_static(body),
        timeout: Duration::from_secs(20),
        room: Box::new(room.try_acquire_owned().unwrap()),
    }
}

async fn outcome(direct: &DirectRuns, run: DirectRun) -> DirectOutcome {
    direct.start(run).await.unwrap().outcome.await.unwrap()
}

async fn runs(worker: &Running) -> Vec<Run> {
    let owner = Owner::DirectCallers(ALGORITHM.parse().unwrap());
    worker.journal.runs(&owner, None, 1000).await.unwrap()
}

async fn outbox(worker: &Running) -> usize {
    let runs = runs(worker).await.into_iter();
    let is_waiting = |run: &Run| {
        let mut states = run.outputs.iter().map(|output| output.state);
        states.any(|state| state == OutputState::Waiting)
    };
    runs.filter(is_waiting).count()
}

async fn until_outbox_holds(worker: &Running, wanted: usize) {
    let held = async {
        while outbox(worker).await != wanted {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), held).await;
    waited.expect("what is left is published");
}

#[tokio::test]
async fn a_direct_result_is_answered_and_published() {
    let world = World::new(echo).await;
    world.publish_to(&["scores"]);
    let worker = world.worker().await;
    let started = worker.direct.start(run(&world, b"one")).await.unwrap();
    let id = started.id.to_string();
    let result = started.outcome.await.unwrap().ended;
    assert_eq!(result.ok().unwrap().body, "scored one");

    let output = &world.outputs(1).await[0];
    assert_eq!(body(output), "scored one");
    assert_eq!(output.key, None);
    assert_eq!(header(output, "eventflows-run-id"), id);
    assert_eq!(header(output, "eventflows-algorithm-version"), "1.0.0");
    {
        let endpoint = world.endpoint.as_ref().unwrap();
        let calls = endpoint.calls.lock().unwrap();
        assert_eq!(calls[0].headers["idempotency-key"], id.as_str());
        assert_eq!(calls[0].headers["content-type"], "text/plain");
        assert_eq!(calls[0].headers["ce-source"], "/v1/algo/acme/score");
    }
    let recorded = runs(&worker).await;
    let end = recorded[0].end.as_ref().unwrap();
    assert_eq!(end.decision, Decision::Succeeded);
    // A listener's ledger does not know of it.
    assert_eq!(worker.ledger().await.received, 0);
    worker.stop().await;
}

#[tokio::test]
async fn a_failed_direct_run_is_called_once_and_recorded_as_dropped() {
    let world = World::new(|_, _| (503, Bytes::from_static(b"busy"))).await;
    world.publish_to(&["scores"]);
    let worker = world.worker().await;
    let failure = outcome(&worker.direct, run(&world, b"one")).await.ended;
    let failure = failure.err().unwrap();
    assert!(matches!(failure.answer, Answer::Status { status: 503, .. }));
    assert_eq!(failure.text.as_deref(), Some("busy"));
    assert_eq!(world.calls(), 1);
    let recorded = runs(&worker).await;
    let end = recorded[0].end.as_ref().unwrap();
    assert_eq!(end.decision, Decision::Dropped);
    assert_eq!(end.status, Some(503));
    assert_eq!(outbox(&worker).await, 0);
    worker.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_takes_no_connection_is_tried_three_times() {
    let mut world = World::new(echo).await;
    world.endpoint = None;
    let worker = world.worker().await;
    let failure = outcome(&worker.direct, run(&world, b"one")).await.ended;
    assert_eq!(failure.err().unwrap().answer, Answer::Unreachable);
    assert_eq!(runs(&worker).await[0].attempts, 3);
    worker.stop().await;
}

#[tokio::test]
async fn a_run_ends_when_its_callers_time_is_up() {
    let world = World::new(echo).await;
    world.hold(true);
    let worker = world.worker().await;
    let mut hurried = run(&world, b"one");
    hurried.timeout = Duration::from_millis(50);
    let failure = outcome(&worker.direct, hurried).await.ended;
    assert_eq!(failure.err().unwrap().answer, Answer::TimedOut);
    worker.stop().await;
}

#[tokio::test]
async fn a_topic_that_is_down_keeps_nobody_waiting_and_gets_the_result_later() {
    let world = World::new(echo).await;
    world.publish_to(&["scores", "copies"]);
    world.broker.refuse("scores", true);
    let worker = world.worker().await;
    for body in [b"one", b"two"] {
        let ended = outcome(&worker.direct, run(&world, body)).await.ended;
        assert!(ended.is_ok());
    }
    eventually("the other topic", || {
        world.broker.messages("copies").len() == 2
    })
    .await;
    assert_eq!(outbox(&worker).await, 2);
    world.broker.refuse("scores", false);
    assert_eq!(world.outputs(2).await.len(), 2);
    // The one that had it already does not get it again.
    assert_eq!(world.broker.messages("copies").len(), 2);
    worker.stop().await;
}

#[tokio::test]
async fn a_direct_result_waits_for_a_publisher_that_is_being_moved() {
    let world = World::new(echo).await;
    world.move_outputs(&["scores"]);
    let worker = world.worker().await;
    let ended = outcome(&worker.direct, run(&world, b"one")).await.ended;
    assert!(ended.is_ok());
    until_outbox_holds(&worker, 1).await;
    world.publish_to(&["scores"]);
    assert_eq!(body(&world.outputs(1).await[0]), "scored one");
    until_outbox_holds(&worker, 0).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_result_that_is_too_large_is_given_up_and_holds_up_no_other() {
    let world = World::new(echo).await;
    world.publish_to(&["scores"]);
    world.broker.take_at_most(100);
    let worker = world.worker().await;
    let large = outcome(&worker.direct, run(&world, &[b'x'; 200])).await;
    assert!(large.ended.is_ok());
    world.broker.refuse("scores", true);
    outcome(&worker.direct, run(&world, b"one")).await;
    world.broker.refuse("scores", false);
    assert_eq!(body(&world.outputs(1).await[0]), "scored one");
    until_outbox_holds(&worker, 0).await;
    assert_eq!(world.broker.too_large(), 1);
    let large = runs(&worker).await.pop().unwrap();
    assert_eq!(large.outputs[0].state, OutputState::TooLarge);
    worker.stop().await;
}

#[tokio::test]
async fn an_algorithm_whose_results_nobody_takes_is_called_no_more_and_others_are() {
    let world = World::new(echo).await;
    world.publish_to(&["scores"]);
    world.broker.refuse("scores", true);
    let worker = world.worker().await;
    let begin = || worker.direct.start(run(&world, b"one"));
    let refused = async {
        loop {
            let started = futures_util::future::join_all((0..50).map(|_| begin())).await;
            if started.iter().any(Result::is_err) {
                return started.into_iter().find_map(Result::err);
            }
        }
    };
    let refused = tokio::time::timeout(Duration::from_secs(60), refused).await;
    assert!(matches!(refused, Ok(Some(DirectError::Crowded))));
    assert!(outbox(&worker).await >= 100);
    let mut other = run(&world, b"two");
    other.algorithm = "acme/other".parse().unwrap();
    assert!(outcome(&worker.direct, other).await.ended.is_ok());
    world.broker.refuse("scores", false);
    until_outbox_holds(&worker, 0).await;
    let again = async {
        while begin().await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let again = tokio::time::timeout(Duration::from_secs(20), again).await;
    again.expect("there is room again");
    worker.stop().await;
}

#[tokio::test]
async fn what_a_killed_worker_had_decided_is_published_by_the_next() {
    let world = World::new(echo).await;
    world.publish_to(&["scores"]);
    world.broker.refuse("scores", true);
    let worker = world.worker().await;
    let started = worker.direct.start(run(&world, b"one")).await.unwrap();
    let id = started.id.to_string();
    started.outcome.await.unwrap();
    worker.kill().await;
    world.broker.refuse("scores", false);
    assert_eq!(world.broker.messages("scores").len(), 0);

    let worker = world.worker().await;
    let output = &world.outputs(1).await[0];
    assert_eq!(body(output), "scored one");
    assert_eq!(header(output, "eventflows-run-id"), id);
    assert_eq!(header(output, "content-type"), "text/x-answer");
    assert_eq!(world.calls(), 1);
    until_outbox_holds(&worker, 0).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_publisher_disabled_meanwhile_gets_nothing_and_ends_the_waiting() {
    let world = World::new(echo).await;
    world.publish_to(&["scores"]);
    world.broker.refuse("scores", true);
    let worker = world.worker().await;
    outcome(&worker.direct, run(&world, b"one")).await;
    world.publish_to(&[]);
    world.broker.refuse("scores", false);
    until_outbox_holds(&worker, 0).await;
    assert_eq!(world.broker.messages("scores").len(), 0);
    let withdrawn = runs(&worker).await.pop().unwrap();
    assert_eq!(withdrawn.outputs[0].state, OutputState::Withdrawn);
    worker.stop().await;
}

#[tokio::test]
async fn a_run_that_a_crash_cut_short_is_decided_by_the_next_worker() {
    let world = World::new(echo).await;
    world.hold(true);
    let worker = world.worker().await;
    let started = worker.direct.start(run(&world, b"one")).await.unwrap();
    worker.kill().await;
    assert!(matches!(
        started.outcome.await,
        Err(DirectError::Unavailable(_))
    ));

    world.hold(false);
    let worker = world.worker().await;
    let recorded = runs(&worker).await;
    let end = recorded[0].end.as_ref().unwrap();
    assert_eq!(end.decision, Decision::Dropped);
    assert_eq!(end.reason, Some(Reason::Interrupted));
    let ended = outcome(&worker.direct, run(&world, b"two")).await.ended;
    assert!(ended.is_ok());
    assert_eq!(runs(&worker).await.len(), 2);
    worker.stop().await;
}

#[tokio::test]
async fn a_worker_that_stops_lets_runs_end_and_takes_no_more() {
    let world = World::new(echo).await;
    world.hold(true);
    let worker = world.worker().await;
    let direct = worker.direct.clone();
    let started = direct.start(run(&world, b"one")).await.unwrap();
    eventually("the call", || world.calls() == 1).await;
    let answered = async {
        let refused = until_refused(&world, &direct).await;
        assert!(matches!(refused, DirectError::Unavailable(_)));
        world.hold(false);
    };
    tokio::join!(worker.stop(), answered);
    assert!(started.outcome.await.unwrap().ended.is_ok());
}

/// Begins runs until one is refused.
async fn until_refused(world: &World, direct: &DirectRuns) -> DirectError {
    let refused = async {
        loop {
            if let Err(refused) = direct.start(run(world, b"more")).await {
                return refused;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let refused = tokio::time::timeout(Duration::from_secs(20), refused).await;
    refused.expect("a worker that stops takes no further runs")
}

#[tokio::test]
async fn publishers_are_asked_for_by_algorithm_and_version() {
    let world = World::new(echo).await;
    let worker = world.worker().await;
    outcome(&worker.direct, run(&world, b"one")).await;
    eventually("the question", || !world.plane.asked().is_empty()).await;
    let wanted = json!({ "algorithm": ALGORITHM, "version": "1.0.0" });
    assert_eq!(world.plane.asked()[0], wanted);
    worker.stop().await;
}

#[tokio::test]
async fn a_kept_connection_that_ends_before_the_answer_is_no_failed_run() {
    let world = World::new(echo).await;
    let endpoint = world.endpoint.as_ref().unwrap();
    endpoint.answer_once_per_connection();
    let worker = world.worker().await;
    for _ in 0..4 {
        assert!(
            outcome(&worker.direct, run(&world, b"one"))
                .await
                .ended
                .is_ok()
        );
    }
    // Every other call met the end of a connection.
    assert!(world.calls() > 4);
    let recorded = runs(&worker).await;
    assert!(recorded.iter().all(|run| run.attempts == 1));
    worker.stop().await;
}
