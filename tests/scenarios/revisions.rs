//! People who change the same things at the same time.

use serde_json::{Value, json};
use tests::flow::{grant, publish};
use tests::{Endpoint, Eventflows, Flow, FlowOptions, GraphQl, Kafka};

const REVISION: &str = "query($id: ID!) { node(id: $id) { ... on Listener { revision } \
                        ... on Topic { revision } } }";

const VERSION: &str = "mutation($id: ID!, $input: ListenerUpdateInput!) { \
                       it: listenerUpdate(id: $id, input: $input) { \
                       listener { versionSelector revision } position \
                       userErrors { code message path revision changes { summary } } } }";

async fn revision(api: &GraphQl, id: &Value) -> Value {
    api.ask(REVISION, json!({ "id": id })).await["node"]["revision"].clone()
}

fn to(id: &Value, version: &str, revision: &Value) -> Value {
    json!({ "id": id, "input": { "version": version, "expectedRevision": revision } })
}

/// Another algorithm of the flow's organization, with a listener on the same topic.
async fn other_listener(flow: &Flow, endpoint: &Endpoint) -> Value {
    let api = &flow.api;
    let of = "query($id: ID!) { node(id: $id) { ... on Algorithm { organization { id } } } }";
    let found = api.ask(of, json!({ "id": flow.algorithm })).await;
    let register = "mutation($input: AlgorithmRegisterInput!) { it: algorithmRegister(\
                    input: $input) { algorithm { id } userErrors { code message } } }";
    let organization = &found["node"]["organization"]["id"];
    let input = json!({ "organizationId": organization, "name": "other" });
    let registered = api.done(register, json!({ "input": input })).await;
    let algorithm = &registered["algorithm"]["id"];
    publish(api, algorithm, "1.0.0", &endpoint.url("/other")).await;
    grant(api, &flow.topics[0], algorithm, "SUBSCRIBE").await;
    let enable = "mutation($input: ListenerEnableInput!) { it: listenerEnable(input: $input) \
                  { listener { id } userErrors { code message } } }";
    let input = json!({
        "topicId": flow.topics[0], "algorithmId": algorithm, "version": "1.0.0",
        "settings": { "start": { "at": "LATEST" } },
    });
    let enabled = api.done(enable, json!({ "input": input })).await;
    enabled["listener"]["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_conflict_over_one_listener_and_not_over_two_of_one_topic() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let server = Eventflows::start().await;
    let flow = Flow::set_up(&server, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    let (api, mine) = (&flow.api, &flow.listener);
    let theirs = &other_listener(&flow, &endpoint).await;

    let seen = [revision(api, mine).await, revision(api, theirs).await];
    let topic = revision(api, &flow.topics[0]).await;
    api.done(VERSION, to(mine, "1.*", &seen[0])).await;
    let done = api.done(VERSION, to(theirs, "latest", &seen[1])).await;
    assert_eq!(done["listener"]["versionSelector"], "latest");
    assert_eq!(revision(api, theirs).await, done["listener"]["revision"]);
    // What the topic shows of them is the same.
    assert_eq!(revision(api, &flow.topics[0]).await, topic);

    let late = api.ask(VERSION, to(mine, "latest", &seen[0])).await["it"].clone();
    assert_eq!(late["position"], Value::Null);
    let [conflict] = &late["userErrors"].as_array().unwrap()[..] else {
        panic!("{late:#}");
    };
    assert_eq!(conflict["code"], "CONFLICT");
    assert_eq!(conflict["path"], json!(["input", "expectedRevision"]));
    assert_eq!(conflict["revision"], revision(api, mine).await);
    let [change] = &conflict["changes"].as_array().unwrap()[..] else {
        panic!("{conflict:#}");
    };
    let summary = change["summary"].as_str().unwrap();
    assert!(summary.ends_with("to version 1.*"), "{summary}");
}
