//! Messages that are called together.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::world::{World, body, eventually, header, owner};

/// An endpoint that scores orders of arrays, in the status and by the items that `answer` says.
async fn world(
    batch: Value,
    answer: impl Fn(&[Value]) -> (u16, Value) + Send + Sync + 'static,
) -> World {
    let world = World::new(move |_, body: &Bytes| {
        let items: Vec<Value> = serde_json::from_slice(body).expect("an array");
        let (status, answer) = answer(&items);
        (status, Bytes::from(answer.to_string()))
    })
    .await;
    world.assign(|assignment| {
        assignment["settings"]["batch"] = batch;
        assignment["settings"]["concurrency"] = json!(2);
    });
    world
}

/// Batches that are full by their count alone.
fn of(count: usize) -> Value {
    json!({ "format": "JSON_ARRAY", "count": count, "bytes": 1000, "wait_ms": 20_000 })
}

fn write(world: &World, orders: &[&str]) {
    for order in orders {
        let order = json!({ "order": order }).to_string();
        world.broker.write("orders", &[], order.as_bytes());
    }
}

fn is_bad(item: &Value) -> bool {
    item["order"] == "bad"
}

fn scored(items: &[Value]) -> Value {
    items
        .iter()
        .map(|item| json!({ "scored": item["order"] }))
        .collect()
}

/// How many orders each call had.
fn sizes(world: &World) -> Vec<usize> {
    let calls = world.endpoint.as_ref().unwrap().calls.lock().unwrap();
    let sizes = calls.iter().map(|call| {
        let items: Vec<Value> = serde_json::from_slice(&call.body).unwrap();
        assert_eq!(call.headers["eventflows-batch"], items.len().to_string());
        items.len()
    });
    sizes.collect()
}

#[tokio::test]
async fn messages_are_called_together_and_each_has_its_own_result() {
    let world = world(of(4), |items| (200, scored(items))).await;
    write(&world, &["a", "b", "c", "d"]);
    let worker = world.worker().await;
    world.settled(4).await;
    assert_eq!(sizes(&world), [4]);
    let mut results: Vec<_> = world.outputs(4).await.iter().map(body).collect();
    results.sort();
    let expected = ["a", "b", "c", "d"].map(|order| format!("{{\"scored\":\"{order}\"}}"));
    assert_eq!(results, expected);
    let runs = worker.journal.runs(&owner(), None, 10).await.unwrap();
    assert!(runs.iter().all(|run| run.attempts == 1));
    worker.stop().await;
}

#[tokio::test]
async fn a_batch_that_is_not_full_waits_for_as_long_as_it_says() {
    let batch = json!({ "format": "JSON_ARRAY", "count": 100, "bytes": 1000, "wait_ms": 1 });
    let world = world(batch, |items| (200, scored(items))).await;
    write(&world, &["a"]);
    let worker = world.worker().await;
    world.settled(1).await;
    assert_eq!(sizes(&world), [1]);
    worker.stop().await;
}

#[tokio::test]
async fn a_part_that_is_refused_by_name_is_a_dead_letter_and_the_others_pass() {
    let world = world(of(4), |items| {
        let result = |item: &Value| match is_bad(item) {
            true => json!({ "error": { "type": "InputError", "message": "no order" } }),
            false => json!({ "data": { "scored": item["order"] } }),
        };
        let results: Vec<_> = items.iter().map(result).collect();
        (200, json!({ "results": results }))
    })
    .await;
    write(&world, &["a", "bad", "b", "c"]);
    let worker = world.worker().await;
    world.settled(4).await;
    let dead = world.dead_letters(1).await;
    assert_eq!(body(&dead[0]), r#"{"order":"bad"}"#);
    assert_eq!(header(&dead[0], "eventflows-reason"), "refused");
    let text = header(&dead[0], "eventflows-reason-text");
    assert!(text.ends_with("no order"), "{text}");
    assert_eq!(world.broker.messages("scores").len(), 3);
    worker.stop().await;
}

#[tokio::test]
async fn a_whole_that_is_refused_is_halved_until_the_bad_one_is_alone() {
    let world = world(of(8), |items| match items.iter().any(is_bad) {
        true => (422, json!("no")),
        false => (200, scored(items)),
    })
    .await;
    write(&world, &["a", "b", "bad", "c", "d", "e", "f", "g"]);
    let worker = world.worker().await;
    world.settled(8).await;
    assert_eq!(world.dead_letters(1).await.len(), 1);
    assert_eq!(world.broker.messages("scores").len(), 7);
    let sizes = sizes(&world);
    assert_eq!(
        sizes[..7].iter().sum::<usize>(),
        8 + 2 * (4 + 2 + 1),
        "{sizes:?}"
    );
    // That others were called beside it when it was refused is not known to be over.
    assert!(sizes.len() <= 8, "{sizes:?}");
    let runs = worker.journal.runs(&owner(), None, 10).await.unwrap();
    let mut attempts = BTreeMap::new();
    for run in &runs {
        *attempts.entry(run.attempts).or_insert(0) += 1;
    }
    assert_eq!(attempts[&1], 8 + 7 - sizes.len(), "{attempts:?}");
    worker.stop().await;
}

#[tokio::test]
async fn one_that_fails_takes_no_neighbour_along() {
    let world = world(of(4), |items| match items.iter().any(is_bad) {
        true => (500, json!("oh")),
        false => (200, scored(items)),
    })
    .await;
    write(&world, &["a", "bad", "b", "c"]);
    let worker = world.worker().await;
    world.outputs(3).await;
    // Those that are answered meanwhile show that it is its own fault.
    eventually("the dead letter", || {
        write(&world, &["d", "e", "f", "g"]);
        !world.broker.messages("dead").is_empty()
    })
    .await;
    let dead = world.broker.messages("dead");
    assert_eq!(body(&dead[0]), r#"{"order":"bad"}"#);
    assert_eq!(header(&dead[0], "eventflows-reason"), "attempts_exhausted");
    assert_eq!(header(&dead[0], "eventflows-attempts"), "3");
    assert_eq!(worker.ledger().await.dead_lettered, 1);
    worker.stop().await;
}

#[tokio::test]
async fn an_answer_of_another_size_is_none() {
    let world = world(of(2), |items| match items.len() {
        1 => (200, scored(items)),
        _ => (200, json!([])),
    })
    .await;
    write(&world, &["a", "b"]);
    let worker = world.worker().await;
    world.settled(2).await;
    assert_eq!(sizes(&world), [2, 1, 1]);
    assert_eq!(world.broker.messages("scores").len(), 2);
    worker.stop().await;
}

#[tokio::test]
async fn what_is_no_json_is_part_of_no_batch() {
    let world = world(of(2), |items| (200, scored(items))).await;
    world.broker.write("orders", &[], b"no JSON");
    write(&world, &["a", "b"]);
    let worker = world.worker().await;
    world.settled(3).await;
    let dead = world.dead_letters(1).await;
    assert_eq!(body(&dead[0]), "no JSON");
    assert_eq!(
        header(&dead[0], "eventflows-reason"),
        "request_transform_failed"
    );
    assert_eq!(sizes(&world), [2]);
    worker.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_asks_for_a_wait_gets_the_messages_later_at_no_cost() {
    let world = World::new(|number, body: &Bytes| match number {
        0 => (429, Bytes::new()),
        _ => (200, body.clone()),
    })
    .await;
    world.assign(|assignment| assignment["settings"]["batch"] = of(2));
    write(&world, &["a", "b"]);
    let worker = world.worker().await;
    world.settled(2).await;
    // Together again.
    assert_eq!(sizes(&world), [2, 2]);
    let runs = worker.journal.runs(&owner(), None, 10).await.unwrap();
    assert!(runs.iter().all(|run| run.attempts == 1));
    worker.stop().await;
}
