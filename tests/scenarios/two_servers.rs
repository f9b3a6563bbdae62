//! Two servers, each a process, over one event log.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};
use tests::log::LogDatabase;
use tests::wait::eventually;
use tests::{Endpoint, Eventflows, Flow, FlowOptions, Kafka};

const CREATE: &str = "mutation($input: OrganizationCreateInput!) { it: organizationCreate(\
    input: $input) { organization { id name } userErrors { code message path } position } }";

const ROUNDS: usize = 20;

#[tokio::test]
async fn a_command_sent_to_two_servers_at_once_is_done_once_and_both_show_it() {
    let directory = tempfile::tempdir().unwrap();
    let database = LogDatabase::from_environment();
    let log = match &database {
        Some(database) => database.url(),
        None => format!("sqlite:{}", directory.path().join("log.db").display()),
    };
    let one = serve(&log).await;
    let other = serve(&log).await;
    let (one, other) = (one.api(), other.api());
    for round in 0..ROUNDS {
        let input = |name: String| json!({ "input": { "name": name, "idempotencyKey": name } });
        let same = input(format!("same-{round}"));
        let (first, second, ..) = tokio::join!(
            one.done(CREATE, same.clone()),
            other.done(CREATE, same),
            one.done(CREATE, input(format!("one-{round}"))),
            other.done(CREATE, input(format!("other-{round}"))),
        );
        assert_eq!(first, second);
    }
    for api in [one, other] {
        let created = eventually("both servers show all that was created", async || {
            let events = api.ask(
                "{ events(first: 100, order: ASCENDING) { nodes { position type } } }",
                json!({}),
            );
            let events = events.await["events"]["nodes"].clone();
            let created = positions(&events);
            (created.len() >= 3 * ROUNDS).then_some(events)
        });
        let created = created.await;
        assert_eq!(positions(&created).len(), 3 * ROUNDS);
        let all = created.as_array().unwrap();
        for (index, event) in all.iter().enumerate() {
            assert_eq!(event["position"], (index + 1).to_string());
        }
    }
}

/// One log, read models and journal for both, and an endpoint that answers differently each time: two
/// calls of a message have two results, of which one is decided.
#[tokio::test]
async fn two_servers_that_share_a_journal_decide_every_message_once_whoever_is_killed() {
    const MESSAGES: usize = 600;
    let kafka = Kafka::from_environment();
    let calls = AtomicUsize::new(0);
    let endpoint = Endpoint::start(move |call| {
        let call_number = calls.fetch_add(1, Ordering::Relaxed);
        let body = String::from_utf8_lossy(&call.body);
        (StatusCode::OK, Bytes::from(format!("{body} {call_number}")))
    })
    .await;
    let database = LogDatabase::postgres();
    let (mut one, mut other) = (
        Eventflows::start_sharing(&database).await,
        Eventflows::start_sharing(&database).await,
    );
    let mut flow = Flow::set_up(&one, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    flow.until_consumers(2).await;
    for number in 0..MESSAGES {
        kafka.produce("orders", number.to_string().as_bytes()).await;
        if number % 200 == 100 {
            eventually("some calls before the kill", async || {
                (endpoint.calls().len() > number / 2).then_some(())
            })
            .await;
            (one, other) = (other, one.kill_and_restart().await);
            flow.api = one.api();
        }
    }
    flow.until_ended(MESSAGES as u64, 0).await;
    // The other one shows the same ledger.
    flow.api = other.api();
    flow.until_ended(MESSAGES as u64, 0).await;

    let results = eventually("every result", async || {
        let records = kafka.records("scores").await;
        let messages = records.iter().map(|record| number_in(&record.text()));
        let complete = messages.collect::<BTreeSet<_>>().len() == MESSAGES;
        complete.then_some(records)
    });
    let mut runs = BTreeMap::new();
    for record in results.await {
        let run = runs
            .entry(record.header("eventflows-run-id"))
            .or_insert_with(|| record.text());
        assert_eq!(*run, record.text(), "two results of one run");
    }
    assert_eq!(runs.len(), MESSAGES);
    assert_eq!(kafka.records("orders-dlq").await, []);
}

/// The number of the message that a result is of.
fn number_in(result: &str) -> usize {
    let message = result.split(' ').next();
    message.unwrap().parse().unwrap()
}

async fn serve(log: &str) -> Eventflows {
    let data = tempfile::tempdir().unwrap();
    let mut environment = vec![("EVENTFLOWS_LOG_URL", Path::new(log))];
    if log.starts_with("postgres") {
        // Shared too.
        environment.push(("EVENTFLOWS_READ_MODELS_URL", Path::new(log)));
    }
    Eventflows::start_with(data, &environment).await
}

/// Where the organizations were created.
fn positions(events: &Value) -> Vec<Value> {
    let created = events.as_array().unwrap().iter();
    created
        .filter(|event| event["type"] == "ORGANIZATION_CREATED")
        .map(|event| event["position"].clone())
        .collect()
}
