//! What is kept of messages and their calls, and what is hidden in it.

use bytes::Bytes;
use domain::sample::{KeptSample, SampledBody, Withheld};
use domain::settlement::Decision;
use serde_json::{Value, json};

use crate::world::{GROUP, Running, World, owner};

const ORDER: &str = r#"{"who": "Ada", "amount": 7}"#;

/// Answers with what it was sent, and refuses what says so.
async fn world(sampling: Value, transform: Value) -> World {
    let world = World::new(|_, body: &Bytes| {
        let is_bad = body.windows(3).any(|part| part == b"bad");
        (if is_bad { 422 } else { 200 }, body.clone())
    })
    .await;
    world.assign(|assignment| {
        assignment["settings"]["sampling"] = sampling;
        assignment["settings"]["transform"] = transform;
        // Refused beside nobody, a message is called once.
        assignment["settings"]["concurrency"] = json!(1);
    });
    world
}

impl Running {
    /// The samples of all runs, the oldest first. What is kept follows the decision, in the journal's
    /// line.
    async fn samples(&self) -> Vec<Option<KeptSample>> {
        let runs = self.journal.runs(&owner(), None, 100).await.unwrap();
        let mut runs: Vec<_> = runs.iter().map(|run| run.number).collect();
        runs.reverse();
        // An operation that is answered after all before it.
        self.journal
            .observe(domain::testing::WORKER, Vec::new())
            .await
            .unwrap();
        let group = GROUP.parse().unwrap();
        let wanted: Vec<_> = runs.into_iter().map(|run| (group, run)).collect();
        self.journal.samples(&wanted).await.unwrap()
    }
}

fn text(body: &Option<SampledBody>) -> &str {
    std::str::from_utf8(&body.as_ref().unwrap().kept).unwrap()
}

#[tokio::test]
async fn nothing_is_kept_unless_it_is_asked_for() {
    let world = world(json!({ "runs": "NONE", "max_bytes": 100 }), json!({})).await;
    world.broker.write("orders", &[], b"good");
    world.broker.write("orders", &[], b"bad");
    let worker = world.worker().await;
    world.settled(2).await;
    assert_eq!(worker.samples().await, [None, None]);
    worker.stop().await;
}

#[tokio::test]
async fn of_faulty_messages_the_message_and_the_answer_are_kept() {
    let world = world(json!({ "runs": "FAILURES", "max_bytes": 4 }), json!({})).await;
    world.broker.write("orders", &[], b"good");
    let headers = [("Authorization", "Bearer x"), ("trace", "7")];
    world.broker.write("orders", &headers, b"bad order");
    let worker = world.worker().await;
    world.settled(2).await;
    let samples = worker.samples().await;
    let [None, Some(kept)] = &samples[..] else {
        panic!("{samples:?}");
    };
    let sample = &kept.sample;
    assert_eq!(sample.decision, Decision::DeadLettered);
    assert_eq!(text(&sample.message), "bad ");
    let message = sample.message.as_ref().unwrap();
    assert_eq!((message.size, message.truncated), (9, true));
    let headers: Vec<_> = sample
        .headers
        .iter()
        .map(|header| {
            (
                header.name.as_str(),
                header.value.as_deref(),
                header.withheld,
            )
        })
        .collect();
    assert_eq!(
        headers,
        [("Authorization", None, true), ("trace", Some("7"), false)]
    );
    let call = sample.call.as_ref().unwrap();
    assert_eq!((call.status, call.attempt), (Some(422), 1));
    assert_eq!(call.request, None);
    assert_eq!(text(&call.answer), "bad ");
    worker.stop().await;
}

#[tokio::test]
async fn what_is_to_be_hidden_is_in_no_sample() {
    let sampling = json!({
        "runs": "ALL", "max_bytes": 1000,
        "mask": { "key": true, "headers": ["TRACE"], "message": ["/who"], "request": ["/items/0/who"] },
    });
    let transform = json!({ "request": "{'items': [body]}", "result": "answer.items[0]" });
    let world = world(sampling, transform).await;
    world
        .broker
        .write("orders", &[("trace", "Ada")], ORDER.as_bytes());
    let worker = world.worker().await;
    world.settled(1).await;
    let kept = worker.samples().await.remove(0).unwrap();
    let sample = kept.sample;
    assert_eq!(text(&sample.message), r#"{"who": "***", "amount": 7}"#);
    let call = sample.call.as_ref().unwrap();
    assert_eq!(
        text(&call.request),
        r#"{"items":[{"who": "***", "amount": 7}]}"#
    );
    // It repeats what is hidden elsewhere, and nothing says where.
    let answer = call.answer.as_ref().unwrap();
    assert_eq!(answer.withheld, Some(Withheld::NotMasked));
    assert!(answer.kept.is_empty());
    assert!(!format!("{sample:?}").contains("Ada"));
    worker.stop().await;
}

#[tokio::test]
async fn a_message_that_was_never_called_is_kept_without_a_call() {
    let transform = json!({ "request": "[body.amount]" });
    let world = world(json!({ "runs": "FAILURES", "max_bytes": 100 }), transform).await;
    world.broker.write("orders", &[], b"no JSON");
    let worker = world.worker().await;
    world.settled(1).await;
    let kept = worker.samples().await.remove(0).unwrap();
    assert_eq!(text(&kept.sample.message), "no JSON");
    assert_eq!(kept.sample.call, None);
    worker.stop().await;
}
