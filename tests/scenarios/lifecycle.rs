//! A flow's life: enabled, changed, disabled, enabled again, revoked, disconnected.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::StatusCode;
use serde_json::json;
use tests::flow::broker;
use tests::{Call, Endpoint, Eventflows, Flow, FlowOptions, Kafka, Witness, eventually};

/// Refuses bodies that start with "bad", and marks the others.
fn marking(mark: &'static str) -> impl Fn(&Call) -> (StatusCode, Bytes) {
    move |call| {
        if call.body.starts_with(b"bad") {
            let reason = Bytes::from_static(b"I do not like it");
            return (StatusCode::UNPROCESSABLE_ENTITY, reason);
        }
        let text = String::from_utf8_lossy(&call.body);
        (StatusCode::OK, Bytes::from(format!("{mark}:{text}")))
    }
}

#[tokio::test]
async fn a_message_reaches_the_algorithm_and_its_result_a_topic() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::start(marking("one")).await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/score"))).await;
    kafka
        .produce_with("orders", Some("key-1"), &[("trace", "abc")], b"good")
        .await;
    // One that is refused beside others would be called twice.
    flow.until_ended(1, 0).await;
    kafka
        .produce_with("orders", Some("key-2"), &[("trace", "def")], b"bad one")
        .await;
    flow.until_ended(1, 1).await;

    let results = kafka.until_records("scores", 1).await;
    assert_eq!(results.len(), 1);
    assert_eq!(results[0].text(), "one:good");
    assert_eq!(results[0].key.as_deref(), Some(&b"key-1"[..]));
    assert_eq!(results[0].header("eventflows-algorithm"), "acme/score");
    assert_eq!(results[0].header("eventflows-algorithm-version"), "1.0.0");

    let dead = kafka.until_records("orders-dlq", 1).await;
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].text(), "bad one");
    assert_eq!(dead[0].key.as_deref(), Some(&b"key-2"[..]));
    assert_eq!(dead[0].header("trace"), "def");
    assert_eq!(dead[0].header("eventflows-reason"), "refused");
    assert!(dead[0].header("eventflows-reason-text").contains("422"));
    assert_eq!(dead[0].header("eventflows-attempts"), "1");
    assert_eq!(dead[0].header("eventflows-algorithm"), "acme/score");
    assert_eq!(dead[0].header("eventflows-algorithm-version"), "1.0.0");
    let source = dead[0].header("eventflows-source-topic");
    assert_eq!(source, kafka.topic("orders"));
    for name in [
        "eventflows-run-id",
        "eventflows-listener-revision",
        "eventflows-source-partition",
        "eventflows-source-offset",
        "eventflows-source-time",
        "eventflows-failed-at",
    ] {
        assert_ne!(dead[0].header(name), "", "{name}");
    }

    let calls = endpoint.calls();
    assert_eq!(calls.len(), 2);
    let keys: BTreeSet<_> = calls
        .iter()
        .map(|c| c.headers["idempotency-key"].clone())
        .collect();
    let runs = flow.runs().await;
    let ids: BTreeSet<_> = runs
        .iter()
        .map(|run| run["uuid"].as_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!(keys, ids, "the endpoint sees the run's id");
}

#[tokio::test]
async fn a_version_changed_while_messages_flow_loses_nothing_and_runs_say_which() {
    const MESSAGES: usize = 300;
    let kafka = Kafka::from_environment();
    let (one, two) = (
        Endpoint::start(marking("one")).await,
        Endpoint::start(marking("two")).await,
    );
    let eventflows = Eventflows::start().await;
    let mut options = FlowOptions::to(one.url("/"));
    options.versions.push(("1.1.0", two.url("/")));
    let flow = Flow::set_up(&eventflows, &kafka, options).await;
    flow.until_consumers(1).await;

    for number in 0..MESSAGES {
        kafka.produce("orders", number.to_string().as_bytes()).await;
        if number == MESSAGES / 2 {
            let document = "mutation($id: ID!) { it: listenerUpdate(id: $id, \
                input: { version: \"1.1.0\" }) { listener { versionSelector resolvedVersion { version } } \
                userErrors { code message } } }";
            let payload = flow
                .api
                .done(document, json!({ "id": flow.listener }))
                .await;
            assert_eq!(payload["listener"]["resolvedVersion"]["version"], "1.1.0");
        }
    }
    flow.until_ended(MESSAGES as u64, 0).await;

    let mut answered = BTreeSet::new();
    for record in kafka.until_records("scores", MESSAGES).await {
        let (mark, number) = record.text().split_once(':').map(owned).unwrap();
        let version = record.header("eventflows-algorithm-version");
        assert_eq!(mark == "one", version == "1.0.0");
        answered.insert(number.parse::<usize>().unwrap());
    }
    assert_eq!(answered, (0..MESSAGES).collect(), "no message is lost");

    let runs = flow.runs().await;
    let by = |version: &str| {
        runs.iter()
            .filter(|run| run["calledVersion"] == version)
            .count()
    };
    assert_eq!(by("1.0.0"), one.calls().len());
    assert_eq!(by("1.1.0"), two.calls().len());
    assert!(
        by("1.0.0") > 0 && by("1.1.0") > 0,
        "both versions were used"
    );
    assert_eq!(runs.len(), MESSAGES);
}

fn owned((mark, number): (&str, &str)) -> (String, String) {
    (mark.to_owned(), number.to_owned())
}

#[tokio::test]
async fn a_disabled_listener_stops_and_goes_on_where_it_stopped() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    for number in 0..20 {
        kafka.produce("orders", number.to_string().as_bytes()).await;
    }
    flow.until_ended(20, 0).await;
    flow.disable().await;
    for number in 20..40 {
        kafka.produce("orders", number.to_string().as_bytes()).await;
    }
    let witness = Witness::of(&flow.api, &flow.topics[0]).await;
    witness.has_had(40).await;
    assert_eq!(endpoint.calls().len(), 20);

    // What waits is not left out, although it is older than now.
    let settings = json!({ "start": { "at": "LATEST" } });
    flow.enable("1.0.0", settings, None).await;
    flow.until_ended(40, 0).await;
    let calls = endpoint.calls();
    let called: BTreeSet<Bytes> = calls.iter().map(|call| call.body.clone()).collect();
    assert_eq!(called.len(), 40);
    assert_eq!(calls.len(), 40, "nothing was taken a second time");
}

#[tokio::test]
async fn a_listener_that_is_enabled_again_tells_how_much_waits() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    for number in 0..3 {
        kafka.produce("orders", number.to_string().as_bytes()).await;
    }
    flow.until_ended(3, 0).await;
    flow.disable().await;
    for number in 3..8 {
        kafka.produce("orders", number.to_string().as_bytes()).await;
    }
    let enable = "mutation($input: ListenerEnableInput!) { it: listenerEnable(input: $input) \
                  { listener { paused } resumption { waiting } userErrors { code message } } }";
    let input = json!({
        "topicId": flow.topics[0], "algorithmId": flow.algorithm, "version": "1.0.0",
        "paused": true,
    });
    let enabled = flow.api.done(enable, json!({ "input": input })).await;
    assert_eq!(enabled["listener"]["paused"], true);

    // It is paused already. A busy worker may take longer than is waited for.
    let pause = "mutation($id: ID!) { it: listenerPause(id: $id, input: {}) \
                 { resumption { goesOnAt waiting } userErrors { code message } } }";
    let resumption = eventually("what waits", async || {
        let paused = flow.api.done(pause, json!({ "id": flow.listener })).await;
        let resumption = paused["resumption"].clone();
        (!resumption.is_null()).then_some(resumption)
    })
    .await;
    assert_eq!(
        resumption,
        json!({ "goesOnAt": "POSITION", "waiting": "5" })
    );
}

#[tokio::test]
async fn a_revoked_grant_disables_its_listener_by_policy() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    flow.until_consumers(1).await;
    let document = "mutation($id: ID!) { it: grantRemove(id: $id, input: {}) \
                    { userErrors { code message } position } }";
    let revoked = flow
        .api
        .done(document, json!({ "id": flow.subscribe_grant }))
        .await["position"]
        .clone();
    let listener = eventually("the policy's answer", async || {
        let listener = flow.look("enabled changedBecause { id type }").await;
        (listener["enabled"] == false).then_some(listener)
    })
    .await;
    flow.until_consumers(0).await;

    let events = flow
        .api
        .ask(
            "query($after: Position!) { events(after: $after, order: ASCENDING) { \
             nodes { id type uuid position cause { id } actor { __typename } payload } } }",
            json!({ "after": before(&revoked) }),
        )
        .await;
    let nodes = events["events"]["nodes"].as_array().unwrap();
    let disabled = nodes
        .iter()
        .find(|e| e["type"] == "LISTENER_DISABLED")
        .unwrap();
    assert_eq!(nodes[0]["type"], "TOPIC_REVOKED");
    assert_eq!(disabled["actor"]["__typename"], "PolicyActor");
    assert_eq!(disabled["cause"]["id"], nodes[0]["id"]);
    assert_eq!(disabled["payload"]["cause"], nodes[0]["uuid"]);
    assert_eq!(listener["changedBecause"]["id"], nodes[0]["id"]);
}

/// The position before a position.
fn before(position: &serde_json::Value) -> String {
    let position: u64 = position.as_str().unwrap().parse().unwrap();
    (position - 1).to_string()
}

#[tokio::test]
async fn a_disconnected_broker_takes_everything_on_it_along() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    flow.until_consumers(1).await;
    kafka.produce("orders", b"before").await;
    let group = tests::load::group(&flow).await;
    let committed = eventually("what is committed", async || {
        let committed = kafka.committed("orders", &group).await;
        (committed.values().sum::<i64>() == 1).then_some(committed)
    })
    .await;
    let document = "mutation($id: ID!) { it: brokerDisconnect(id: $id, input: {}) \
                    { broker { status { state } } userErrors { code message } } }";
    let payload = flow.api.done(document, json!({ "id": flow.broker })).await;
    assert_eq!(payload["broker"]["status"]["state"], "DISCONNECTED");
    flow.until_consumers(0).await;

    let lists = "{ brokers { nodes { id } } listeners { nodes { id } } \
                 publishers { nodes { id } } grants { nodes { id } } }";
    let nothing = json!({ "nodes": [] });
    eventually("empty lists", async || {
        let answer = flow.api.ask(lists, json!({})).await;
        ["brokers", "listeners", "publishers", "grants"]
            .iter()
            .all(|list| answer[*list] == nothing)
            .then_some(())
    })
    .await;
    kafka.produce("orders", b"nobody listens").await;
    assert_eq!(kafka.committed("orders", &group).await, committed);
    let (_, topics) = broker(&flow.api, &kafka, "again").await;
    let witness = Witness::of(&flow.api, &topics[0]).await;
    witness.has_had(2).await;
    assert_eq!(endpoint.calls().len(), 1);
    let ended = "{ brokers(filter: { connected: false }) { nodes { id disconnectedAt } } }";
    let ended = flow.api.ask(ended, json!({})).await["brokers"]["nodes"].clone();
    assert_eq!(ended[0]["id"], flow.broker);
    assert!(ended[0]["disconnectedAt"].is_string(), "{ended}");
}
