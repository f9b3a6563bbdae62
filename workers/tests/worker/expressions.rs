//! Filters and transforms of a listener.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::endpoint::echo;
use crate::world::{World, body, find, header};

/// Answers with the body in what a model server puts around it.
fn model(_: usize, body: &Bytes) -> (u16, Bytes) {
    let wrapped = format!(r#"{{"predictions":[{}]}}"#, String::from_utf8_lossy(body));
    (200, wrapped.into())
}

/// Answers with the body as it was sent.
fn echo_body(_: usize, body: &Bytes) -> (u16, Bytes) {
    (200, body.clone())
}

fn set(world: &World, expression: &str, source: &str) {
    world.assign(|assignment| put(assignment, expression, source));
}

fn put(assignment: &mut Value, expression: &str, source: &str) {
    let settings = &mut assignment["settings"];
    match expression {
        "filter" => settings["filter"] = json!(source),
        expression => settings["transform"] = json!({ expression: source }),
    }
}

#[tokio::test]
async fn a_message_that_the_filter_leaves_out_is_counted_and_costs_no_call() {
    let world = World::new(echo).await;
    for amount in 0..10 {
        let message = format!(r#"{{"amount":{amount}}}"#);
        world
            .broker
            .write("orders", &[("kind", "order")], message.as_bytes());
    }
    set(
        &world,
        "filter",
        "body.amount >= 7 && headers.kind == 'order'",
    );
    let worker = world.worker().await;
    world.settled(10).await;
    assert_eq!(world.outputs(3).await.len(), 3);
    assert_eq!(world.calls(), 3);
    let ledger = worker.ledger().await;
    assert_eq!((ledger.filtered, ledger.succeeded), (7, 3));
    assert!(world.broker.messages("dead").is_empty());
    worker.stop().await;
}

#[tokio::test]
async fn the_endpoint_gets_what_the_transform_makes_and_its_answer_is_taken_apart() {
    let world = World::new(model).await;
    let encoded = [("content-type", "text/odd"), ("content-encoding", "x")];
    world
        .broker
        .write("orders", &encoded, br#"{"b": 1.10, "a": 2}"#);
    world.assign(|assignment| {
        assignment["settings"]["transform"] = json!({
            "request": "{'instances': [body]}",
            "result": "{'of': body.a, 'is': answer.predictions[0].instances[0], 's': status}",
        });
    });
    let worker = world.worker().await;
    let output = &world.outputs(1).await[0];
    assert_eq!(body(output), r#"{"is":{"b": 1.10, "a": 2},"of":2,"s":200}"#);
    assert_eq!(header(output, "content-type"), "application/json");
    {
        let endpoint = world.endpoint.as_ref().unwrap();
        let calls = endpoint.calls.lock().unwrap();
        assert_eq!(calls[0].body, r#"{"instances":[{"b": 1.10, "a": 2}]}"#);
        assert_eq!(calls[0].headers["content-type"], "application/json");
        assert!(!calls[0].headers.contains_key("content-encoding"));
    }
    worker.stop().await;
}

#[tokio::test]
async fn each_try_of_a_message_sends_the_same_bytes() {
    let world =
        World::new(|call, body: &Bytes| (if call < 2 { 503 } else { 200 }, body.clone())).await;
    world.broker.write("orders", &[], br#"{"a":1}"#);
    let source = "merge({'z': run, 'y': 1, 'x': 1, 'w': 1, 'v': body}, {'u': text})";
    set(&world, "request", source);
    let worker = world.worker().await;
    world.settled(1).await;
    let endpoint = world.endpoint.as_ref().unwrap();
    let sent: Vec<_> = {
        let calls = endpoint.calls.lock().unwrap();
        calls.iter().map(|call| call.body.clone()).collect()
    };
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|body| *body == sent[0]), "{sent:?}");
    worker.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_answers_204_has_nothing_to_transform() {
    let world = World::new(|_, _: &Bytes| (204, Bytes::new())).await;
    world.broker.write("orders", &[], b"{}");
    set(&world, "result", "answer.nothing");
    let worker = world.worker().await;
    world.settled(1).await;
    assert_eq!(worker.ledger().await.succeeded, 1);
    assert!(world.broker.messages("scores").is_empty());
    worker.stop().await;
}

#[tokio::test]
async fn a_message_that_an_expression_fails_for_is_faulty_and_never_filtered() {
    for (expression, source, reason, attempts) in [
        ("filter", "body.amount > 1", "filter_failed", "0"),
        ("request", "[body.amount]", "request_transform_failed", "0"),
        ("result", "answer.amount", "result_transform_failed", "1"),
    ] {
        let world = World::new(echo_body).await;
        for message in [
            r#"{"amount":2}"#,
            r#"{"secret":"hunter2"}"#,
            r#"{"amount":3}"#,
        ] {
            world.broker.write("orders", &[], message.as_bytes());
        }
        set(&world, expression, source);
        let worker = world.worker().await;
        world.settled(3).await;
        let ledger = worker.ledger().await;
        let counted = (ledger.succeeded, ledger.dead_lettered, ledger.filtered);
        assert_eq!(counted, (2, 1, 0), "{expression}");
        let dead = &world.dead_letters(1).await[0];
        assert_eq!(body(dead), r#"{"secret":"hunter2"}"#);
        assert_eq!(header(dead, "eventflows-reason"), reason);
        assert_eq!(
            header(dead, "eventflows-attempts"),
            attempts,
            "{expression}"
        );
        let text = header(dead, "eventflows-reason-text");
        assert!(text.ends_with("failed: there is no `amount`"), "{text}");
        assert!(find(dead, "eventflows-algorithm-version").is_some());
        worker.stop().await;
        let blocked = |told: &String| told.starts_with("BLOCKED");
        assert!(!world.plane.reports().iter().any(blocked));
    }
}

/// Twenty messages in a row mean that it is not them: the others are held, and go on when the
/// expression is another, without the consumer being another.
#[tokio::test]
async fn an_expression_that_fails_for_all_messages_blocks_until_it_is_another() {
    for (expression, bad, good, reason) in [
        ("filter", "body.amount > 1", "body.n == 1", "filter_failed"),
        (
            "request",
            "[body.amount]",
            "[body.n]",
            "request_transform_failed",
        ),
        (
            "result",
            "answer.amount",
            "answer.n",
            "result_transform_failed",
        ),
    ] {
        let world = World::new(echo_body).await;
        for _ in 0..40 {
            world.broker.write("orders", &[], br#"{"n":1}"#);
        }
        // Nobody is tried again for a long time, but for the change.
        let set = |source| {
            world.assign(|assignment| {
                put(assignment, expression, source);
                let retry = &mut assignment["settings"]["retry"];
                retry["initial_backoff_ms"] = json!(60_000);
                retry["max_backoff_ms"] = json!(60_000);
            });
        };
        set(bad);
        let worker = world.worker().await;
        world.reported(&format!("BLOCKED {reason}")).await;
        assert_eq!(world.dead_letters(19).await.len(), 19, "{expression}");
        set(good);
        world.settled(40).await;
        world.reported("UNBLOCKED").await;
        let ledger = worker.ledger().await;
        let counted = (ledger.succeeded, ledger.dead_lettered, ledger.filtered);
        assert_eq!(counted, (21, 19, 0), "{expression}");
        worker.stop().await;
        let reports = world.plane.reports();
        let started = reports.iter().filter(|told| *told == "STARTED").count();
        assert_eq!(started, 1, "{expression}");
    }
}

#[tokio::test]
async fn messages_that_are_filtered_let_a_listener_go_on_whose_filter_fails_for_some() {
    let world = World::new(echo).await;
    for number in 0..60 {
        let message: Value = match number % 3 {
            0 => json!({ "n": 1 }),
            _ => json!({ "other": 1 }),
        };
        let message = message.to_string();
        world.broker.write("orders", &[], message.as_bytes());
    }
    set(&world, "filter", "body.n == 2");
    let worker = world.worker().await;
    world.settled(60).await;
    let ledger = worker.ledger().await;
    assert_eq!((ledger.filtered, ledger.dead_lettered), (20, 40));
    assert_eq!(world.calls(), 0);
    worker.stop().await;
}

/// As one of a control plane that knows more of the language.
#[tokio::test]
async fn an_expression_that_cannot_be_compiled_holds_every_message() {
    let world = World::new(echo).await;
    world.broker.write("orders", &[], b"{}");
    set(&world, "filter", "tomorrow(body)");
    let worker = world.worker().await;
    world.reported("BLOCKED filter_failed").await;
    assert_eq!(
        worker.ledger().await.received,
        worker.ledger().await.in_flight
    );
    set(&world, "filter", "true");
    world.settled(1).await;
    assert_eq!(world.calls(), 1);
    assert!(world.broker.messages("dead").is_empty());
    worker.stop().await;
}

#[tokio::test]
async fn what_a_filter_says_of_a_waiting_message_is_what_it_says_now() {
    let world = World::new(|_, _: &Bytes| (500, Bytes::new())).await;
    world.broker.write("orders", &[], br#"{"n":1}"#);
    set(&world, "filter", "body.n == 1");
    let worker = world.worker().await;
    world.reported("BLOCKED endpoint_unavailable").await;
    set(&world, "filter", "body.n == 2");
    world.settled(1).await;
    assert_eq!(worker.ledger().await.filtered, 1);
    worker.stop().await;
}
