//! Forms of one request: what clients leave out, send as null, or write into literals.

use http::StatusCode;
use serde_json::{Value, json};
use tests::{Eventflows, GraphQl};

/// Members that mean nothing, in every way that clients send them.
fn empty_members() -> [Value; 5] {
    [
        json!({}),
        json!({ "variables": null, "operationName": null, "extensions": null }),
        json!({ "variables": {}, "operationName": "", "extensions": {} }),
        json!({ "variables": null, "operationName": "" }),
        json!({ "extensions": null, "id": null, "doc_id": "7", "documentId": { "a": [1] } }),
    ]
}

fn with(query: &str, members: &Value) -> Value {
    let mut request = json!({ "query": query });
    for (name, value) in members.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

#[tokio::test]
async fn a_member_that_is_null_empty_or_unknown_is_as_if_left_out() {
    let eventflows = Eventflows::start().await;
    let api = eventflows.api();
    organization(&api, "one").await;
    for members in empty_members() {
        let body = with("{ position }", &members).to_string();
        let (status, answer) = api.post(body, &[]).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert!(answer.contains(r#""position":""#), "{members} {answer}");
    }
    let mut socket = api.socket(&[]).await.unwrap();
    for init in [
        json!({ "type": "connection_init", "payload": null, "extra": 1 }),
        json!({ "type": "ping", "payload": null }),
    ] {
        socket.tell(init).await;
        socket.hear().await;
    }
    for members in empty_members() {
        let query = "subscription { events(after: \"0\") { position } }";
        let payload = with(query, &members);
        socket
            .tell(json!({ "type": "subscribe", "id": "1", "payload": payload }))
            .await;
        let next = socket.hear().await;
        assert!(
            next["payload"]["data"]["events"]["position"].is_string(),
            "{next}"
        );
        socket.tell(json!({ "type": "complete", "id": "1" })).await;
        socket.tell(json!({ "type": "ping" })).await;
        while socket.hear().await["type"] != "pong" {}
    }
}

async fn organization(api: &GraphQl, name: &str) -> Value {
    let create = "mutation($name: String!) { it: organizationCreate(input: { name: $name }) \
                  { organization { id } userErrors { code message } } }";
    let done = api.done(create, json!({ "name": name })).await;
    done["organization"]["id"].clone()
}

#[tokio::test]
async fn a_variable_that_is_left_out_is_not_an_empty_one() {
    let eventflows = Eventflows::start().await;
    let api = eventflows.api();
    for name in ["one", "two"] {
        organization(&api, name).await;
    }
    let search = "query($s: String, $first: Int) { \
                  organizations(first: $first, filter: { search: $s }) { totalCount } }";
    for variables in [
        json!({}),
        json!({ "s": null }),
        json!({ "s": null, "first": null }),
    ] {
        let answer = api.ask(search, variables.clone()).await;
        assert_eq!(answer["organizations"]["totalCount"], 2, "{variables}");
    }
    let answer = api.ask(search, json!({ "s": "one" })).await;
    assert_eq!(answer["organizations"]["totalCount"], 1);
}

#[tokio::test]
async fn a_variable_within_a_literal_is_replaced() {
    let eventflows = Eventflows::start().await;
    let api = eventflows.api();
    let ids = [
        organization(&api, "one").await,
        organization(&api, "two").await,
    ];
    let nodes = "query($a: ID!, $b: ID!) { nodes(ids: [$b, $a, \"nothing\"]) \
                 { ... on Organization { name } } }";
    let answer = api.ask(nodes, json!({ "a": ids[0], "b": ids[1] })).await;
    assert_eq!(
        answer["nodes"],
        json!([{ "name": "two" }, { "name": "one" }, null])
    );
    // Deeper: an item of a list within an input, refused for what the variable holds.
    let edit = "mutation($topic: ID!, $algorithm: ID!, $access: GrantAccess!) { \
        it: grantsEdit(id: $topic, input: { changes: [ \
            { edit: ADD, access: $access, grantee: { algorithmId: $algorithm } } ] }) \
        { userErrors { code path } } }";
    let variables = json!({ "topic": topic(), "algorithm": ids[0], "access": "SUBSCRIBE" });
    let answer = api.ask(edit, variables).await;
    let error = &answer["it"]["userErrors"][0];
    assert_eq!(error["code"], "BAD_ID", "{answer}");
    assert_eq!(
        error["path"],
        json!(["input", "changes", "0", "grantee", "algorithmId"])
    );
}

/// The id of a topic that is not there.
fn topic() -> &'static str {
    crate::arguments::TOPIC
}

#[tokio::test]
async fn one_of_several_means_exactly_one() {
    let eventflows = Eventflows::start().await;
    let api = eventflows.api();
    let one = organization(&api, "one").await;
    let position = api.ask("{ position }", json!({})).await["position"].clone();
    let query = "query($at: AsOf) { organizations(asOf: $at) { totalCount } }";
    for at in [
        json!({ "position": position }),
        json!({ "time": "2999-01-01T00:00:00Z" }),
        json!(null),
    ] {
        let answer = api.ask(query, json!({ "at": at })).await;
        assert_eq!(answer["organizations"]["totalCount"], 1, "{one} {at}");
    }
    for at in [
        json!({}),
        json!({ "position": null }),
        json!({ "position": position, "time": null }),
        json!({ "position": position, "time": "2999-01-01T00:00:00Z" }),
    ] {
        let answer = api.answer(query, json!({ "at": at })).await;
        let code = &answer["errors"][0]["extensions"]["code"];
        assert_eq!(*code, "INVALID_ARGUMENT", "{at} {answer}");
    }
}
