//! Decisions over the API: members, versions, listeners and publishers; grants and brokers have
//! files of their own.

mod brokers;
mod grants;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::flow::{algorithm, grant, publish, withdraw};
use tests::{Endpoint, Eventflows, Flow, FlowOptions, GraphQl, Kafka, Witness, eventually};

const ANSWER: &str = "userErrors { code message path } warnings { code message path } position";

/// A mutation of something that exists.
fn of_id(mutation: &str) -> String {
    let input = client::input_type(mutation);
    format!(
        "mutation($id: ID!, $input: {input}!) \
         {{ it: {mutation}(id: $id, input: $input) {{ {ANSWER} }} }}"
    )
}

/// A mutation whose input says all.
fn of_input(mutation: &str) -> String {
    let input = client::input_type(mutation);
    format!("mutation($input: {input}!) {{ it: {mutation}(input: $input) {{ {ANSWER} }} }}")
}

/// The only user error of a mutation.
async fn error(api: &GraphQl, document: &str, variables: Value) -> Value {
    let payload = api.ask(document, variables).await["it"].clone();
    assert_eq!(payload["position"], Value::Null, "{payload:#}");
    let errors = payload["userErrors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{payload:#}");
    errors[0].clone()
}

/// Fields of anything.
async fn look(api: &GraphQl, id: &Value, kind: &str, fields: &str) -> Value {
    let document =
        format!("query($id: ID!) {{ node(id: $id) {{ ... on {kind} {{ {fields} }} }} }}");
    api.ask(&document, json!({ "id": id })).await["node"].clone()
}

async fn organization(api: &GraphQl) -> Value {
    let document = "{ organizationByName(name: \"acme\") { id } }";
    api.ask(document, json!({})).await["organizationByName"]["id"].clone()
}

#[tokio::test]
async fn a_paused_listener_holds_its_position_and_resumes_there() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    for number in 0..20 {
        kafka.produce("orders", number.to_string().as_bytes()).await;
    }
    flow.until_ended(20, 0).await;
    let listener = json!({ "id": flow.listener, "input": {} });
    flow.api
        .done(&of_id("listenerPause"), listener.clone())
        .await;
    flow.until_consumers(0).await;
    let state = flow.look("enabled paused").await;
    assert_eq!(state, json!({ "enabled": true, "paused": true }));
    let broker = flow.look("broker { status { state running } }").await;
    let idle = json!({ "state": "IDLE", "running": 0 });
    assert_eq!(broker["broker"]["status"], idle);
    for number in 20..40 {
        kafka.produce("orders", number.to_string().as_bytes()).await;
    }
    let witness = Witness::of(&flow.api, &flow.topics[0]).await;
    witness.has_had(40).await;
    assert_eq!(endpoint.calls().len(), 20);

    flow.api.done(&of_id("listenerResume"), listener).await;
    flow.until_ended(40, 0).await;
    let broker = flow.look("broker { status { state running } }").await;
    // Its own and the witness's.
    let consuming = json!({ "state": "CONSUMING", "running": 2 });
    assert_eq!(broker["broker"]["status"], consuming);
    let calls = endpoint.calls();
    let called: BTreeSet<_> = calls.iter().map(|call| call.body.clone()).collect();
    assert_eq!(called.len(), 40, "nothing was left out");
    assert_eq!(calls.len(), 40, "nothing was taken a second time");
}

#[tokio::test]
async fn a_listener_is_changed_in_one_append_while_messages_flow() {
    const MESSAGES: usize = 200;
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    let update = of_id("listenerUpdate");
    let to = |input: Value| json!({ "id": flow.listener, "input": input });
    let everything = to(json!({
        "version": "1.*", "dlq": null, "settings": { "concurrency": 3, "retry": { "maxAttempts": 2 } },
    }));
    for number in 0..MESSAGES {
        kafka.produce("orders", number.to_string().as_bytes()).await;
        if number == MESSAGES / 2 {
            flow.api.done(&update, everything.clone()).await;
        }
    }
    flow.until_ended(MESSAGES as u64, 0).await;
    let results = kafka.until_records("scores", MESSAGES).await;
    let bodies: BTreeSet<_> = results.iter().map(|record| record.body.clone()).collect();
    assert_eq!(bodies.len(), MESSAGES, "no message is lost");
    let fields = "versionSelector deadLetterTopic { name } \
                  settings { start { at } concurrency faults retry { maxAttempts maxBackoffMs } }";
    let seen = flow.look(fields).await;
    let retry = json!({ "maxAttempts": 2, "maxBackoffMs": 200 });
    assert_eq!(
        seen,
        json!({ "versionSelector": "1.*", "deadLetterTopic": null, "settings": {
            "start": { "at": "EARLIEST" }, "concurrency": 3, "faults": "BLOCK", "retry": retry,
        } })
    );
    let history = "query($id: ID!) { history(of: $id, first: 3) { nodes { type correlationId } } }";
    let told = flow.api.ask(history, json!({ "id": flow.listener })).await;
    let told = told["history"]["nodes"].as_array().unwrap();
    let types: BTreeSet<_> = told.iter().map(|event| event["type"].as_str()).collect();
    let changes = [
        "LISTENER_VERSION_CHANGED",
        "DLQ_CLEARED",
        "LISTENER_SETTINGS_CHANGED",
    ];
    assert_eq!(types, changes.map(Some).into(), "of one request");
    assert!(
        told.iter()
            .all(|event| event["correlationId"] == told[0]["correlationId"])
    );

    let fallen_back = to(json!({ "settings": { "retry": null } }));
    flow.api.done(&update, fallen_back).await;
    let seen = flow
        .look("settings { concurrency retry { maxAttempts } }")
        .await;
    let settings = json!({ "concurrency": 3, "retry": { "maxAttempts": 5 } });
    assert_eq!(
        seen["settings"], settings,
        "null is the default, absent stays"
    );

    for (input, path) in [
        (
            json!({ "version": "1.0.0", "settings": { "concurrency": 1025 } }),
            json!(["input", "settings", "concurrency"]),
        ),
        (json!({ "version": null }), json!(["input", "version"])),
    ] {
        let refused = error(&flow.api, &update, to(input)).await;
        assert_eq!(refused["code"], "OUT_OF_RANGE");
        assert_eq!(refused["path"], path);
    }
    let seen = flow.look("versionSelector").await;
    assert_eq!(seen["versionSelector"], "1.*", "nothing was half-done");
}

#[tokio::test]
async fn a_withdrawn_version_blocks_who_named_it_and_moves_who_selected_it() {
    let kafka = Kafka::from_environment();
    let (one, two) = (Endpoint::echo().await, Endpoint::echo().await);
    let eventflows = Eventflows::start().await;
    let mut options = FlowOptions::to(one.url("/"));
    options.versions.push(("1.1.0", two.url("/")));
    options.version = "1.1.0";
    options.dlq = false;
    let exact = Flow::set_up(&eventflows, &kafka, options).await;
    let api = &exact.api;
    grant(api, &exact.topics[2], &exact.algorithm, "SUBSCRIBE").await;
    let enable = "mutation($input: ListenerEnableInput!) { it: listenerEnable(input: $input) \
                  { listener { id resolvedVersion { version } } userErrors { code message } } }";
    let input = json!({ "input": {
        "topicId": exact.topics[2], "algorithmId": exact.algorithm, "version": "1.*",
        "settings": { "start": { "at": "EARLIEST" } },
    } });
    let selecting = api.done(enable, input).await["listener"].clone();
    assert_eq!(selecting["resolvedVersion"]["version"], "1.1.0");
    exact.until_consumers(1).await;

    withdraw(api, &exact.algorithm, "1.1.0").await;
    let seen = look(
        api,
        &selecting["id"],
        "Listener",
        "resolvedVersion { version }",
    )
    .await;
    assert_eq!(seen["resolvedVersion"]["version"], "1.0.0");
    kafka.produce("orders-dlq", b"moved").await;
    kafka.produce("orders", b"held").await;
    let reason = eventually("the exact listener is blocked", async || {
        let listener = exact.look("consumers { nodes { state reason } }").await;
        let consumer = listener["consumers"]["nodes"][0].clone();
        (consumer["state"] == "BLOCKED").then(|| consumer["reason"].clone())
    })
    .await;
    assert_ne!(reason.as_str().unwrap_or_default(), "");
    let problem = exact
        .look("resolvedVersion { version } problem { code text }")
        .await;
    assert_eq!(problem["resolvedVersion"], Value::Null);
    let problem = problem["problem"]["text"].as_str().unwrap().to_owned();
    assert!(problem.contains("withdrawn: it was wrong"), "{problem}");
    eventually(
        "the selecting listener calls the other version",
        async || (one.calls().len() == 1).then_some(()),
    )
    .await;
    assert_eq!(two.calls().len(), 0);

    publish(api, &exact.algorithm, "1.2.0", &two.url("/")).await;
    let change = json!({ "id": exact.listener, "input": { "version": "1.2.0" } });
    api.done(&of_id("listenerUpdate"), change).await;
    exact.until_ended(1, 0).await;
    assert_eq!(two.calls().len(), 1, "what was held is called");
}

#[tokio::test]
async fn a_cycle_is_refused_with_its_path_and_allowed_with_a_warning() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    grant(&flow.api, &flow.topics[0], &flow.algorithm, "PUBLISH").await;
    let enable = of_input("publisherEnable");
    let input = |allow: bool| {
        json!({ "input": {
            "topicId": flow.topics[0], "algorithmId": flow.algorithm, "version": "1.*",
            "allowCycle": allow,
        } })
    };
    let refused = error(&flow.api, &enable, input(false)).await;
    assert_eq!(refused["code"], "FLOW_CYCLE");
    assert_eq!(refused["path"], json!(["input", "allowCycle"]));
    let way = format!("acme/score → {} → acme/score", kafka.topic("orders"));
    let message = refused["message"].as_str().unwrap();
    assert!(message.contains(&way), "{message}");

    let allowed = flow.api.done(&enable, input(true)).await;
    assert_eq!(allowed["warnings"][0]["code"], "FLOW_CYCLE");
    let message = allowed["warnings"][0]["message"].as_str().unwrap();
    assert!(message.contains(&way), "{message}");
}

#[tokio::test]
async fn dead_letters_that_come_back_are_a_cycle_too() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    grant(&flow.api, &flow.topics[2], &flow.algorithm, "SUBSCRIBE").await;
    grant(&flow.api, &flow.topics[0], &flow.algorithm, "DEAD_LETTER").await;
    let enable = of_input("listenerEnable");
    let (orders, failed) = (kafka.topic("orders"), kafka.topic("orders-dlq"));
    let input = |allow: bool| {
        json!({ "input": {
            "topicId": flow.topics[2], "algorithmId": flow.algorithm, "version": "1.*",
            "dlq": orders, "settings": { "start": { "at": "LATEST" } }, "allowCycle": allow,
        } })
    };
    let refused = error(&flow.api, &enable, input(false)).await;
    assert_eq!(refused["code"], "FLOW_CYCLE");
    let way = format!("{failed} → {orders} → {failed}");
    let message = refused["message"].as_str().unwrap();
    assert!(message.contains(&way), "{message}");
    let allowed = flow.api.done(&enable, input(true)).await;
    assert_eq!(allowed["warnings"][0]["code"], "FLOW_CYCLE");
}

#[tokio::test]
async fn of_two_flows_that_close_a_cycle_at_once_one_is_refused_or_warned_of() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    let orders = &flow.topics[0];
    grant(&flow.api, orders, &flow.algorithm, "PUBLISH").await;
    let disable = json!({ "id": flow.listener, "input": {} });
    let (listen, publish) = (of_input("listenerEnable"), of_input("publisherEnable"));
    let settings = json!({ "start": { "at": "LATEST" } });
    for _ in 0..20 {
        flow.api
            .done(&of_id("listenerDisable"), disable.clone())
            .await;
        let listener = json!({ "input": { "topicId": orders, "algorithmId": flow.algorithm,
            "version": "1.*", "settings": settings } });
        let publisher = json!({ "input": { "topicId": orders, "algorithmId": flow.algorithm,
            "version": "1.*" } });
        let (listener, publisher) = tokio::join!(
            flow.api.ask(&listen, listener),
            flow.api.ask(&publish, publisher)
        );
        let told = [&listener["it"], &publisher["it"]].map(|it| {
            let about = [&it["userErrors"], &it["warnings"]];
            let codes = about.map(|list| list[0]["code"].clone());
            codes.contains(&json!("FLOW_CYCLE"))
        });
        assert!(told.contains(&true), "{listener:#} {publisher:#}");
        if publisher["it"]["position"] == Value::Null {
            continue;
        }
        let list =
            "query($topic: ID!) { publishers(filter: { topicIds: [$topic] }) { nodes { id } } }";
        let found = flow.api.ask(list, json!({ "topic": orders })).await;
        let publisher = &found["publishers"]["nodes"][0]["id"];
        let ended = json!({ "id": publisher, "input": {} });
        flow.api.done(&of_id("publisherDisable"), ended).await;
        if listener["it"]["position"] == Value::Null {
            let again = json!({ "input": { "topicId": orders, "algorithmId": flow.algorithm,
                "version": "1.*", "settings": settings } });
            flow.api.done(&listen, again).await;
        }
    }
}

#[tokio::test]
async fn members_come_change_and_go_but_an_owner_stays() {
    let eventflows = Eventflows::start().await;
    let api = eventflows.api();
    let versions = [("1.0.0", "http://127.0.0.1:9/".to_owned())];
    algorithm(&api, &versions).await;
    let organization = organization(&api).await;
    let member = |name: &str, role: Option<&str>| {
        let mut input = json!({ "member": name });
        if let Some(role) = role {
            input["role"] = json!(role);
        }
        json!({ "id": organization, "input": input })
    };
    let (add, change, remove) = (
        of_id("organizationMemberAdd"),
        of_id("organizationMemberUpdate"),
        of_id("organizationMemberRemove"),
    );
    api.done(&add, member("ann", Some("OWNER"))).await;
    api.done(&add, member("bob@acme.example", Some("EXECUTOR")))
        .await;
    api.done(&change, member("bob@acme.example", Some("MEMBER")))
        .await;
    for (document, variables, code) in [
        (&add, member("ann", Some("MEMBER")), "ALREADY_MEMBER"),
        (&change, member("ann", Some("MEMBER")), "LAST_OWNER"),
        (&remove, member("ann", None), "LAST_OWNER"),
        (&remove, member("cid", None), "NOT_A_MEMBER"),
        (&remove, member("no body", None), "BAD_NAME"),
    ] {
        let refused = error(&api, document, variables).await;
        assert_eq!(refused["code"], code);
        assert_eq!(refused["path"], json!(["input", "member"]));
    }
    api.done(&remove, member("bob@acme.example", None)).await;
    let fields = "members { nodes { name role } }";
    let seen = look(&api, &organization, "Organization", fields).await;
    let ann = json!([{ "name": "ann", "role": "OWNER" }]);
    assert_eq!(seen["members"]["nodes"], ann);
}
