//! The conventions that every client may count on.

use http::StatusCode;
use serde_json::{Value, json};
use tests::{Eventflows, Flow, FlowOptions, Kafka};

use crate::arguments::{GHOST, TOPIC, refused};

pub(crate) const CREATE: &str = "mutation($input: OrganizationCreateInput!) { it: organizationCreate(\
    input: $input) { organization { id name revision } userErrors { code message path } position } }";

#[tokio::test]
async fn the_same_key_does_the_same_once_also_after_a_restart() {
    let eventflows = Eventflows::start().await;
    let input = json!({ "input": { "name": "acme", "idempotencyKey": "k-1" } });
    let first = eventflows.api().done(CREATE, input.clone()).await;
    assert_eq!(eventflows.api().done(CREATE, input.clone()).await, first);
    let eventflows = eventflows.kill_and_restart().await;
    let api = eventflows.api();
    assert_eq!(api.done(CREATE, input).await, first);
    let other = json!({ "input": { "name": "other", "idempotencyKey": "k-1" } });
    assert_eq!(api.refused(CREATE, other).await, "IDEMPOTENCY_KEY_REUSED");
    let types = "{ events { nodes { type } } }";
    let nodes = api.ask(types, json!({})).await["events"]["nodes"].clone();
    let created = nodes.as_array().unwrap().iter();
    let created = created.filter(|event| event["type"] == "ORGANIZATION_CREATED");
    assert_eq!(created.count(), 1);
}

#[tokio::test]
async fn what_had_nothing_to_do_does_nothing_when_it_is_delivered_again() {
    let kafka = Kafka::from_environment();
    let eventflows = Eventflows::start().await;
    let options = FlowOptions::to("http://127.0.0.1:9/".to_owned());
    let flow = Flow::set_up(&eventflows, &kafka, options).await;
    let resume = "mutation($id: ID!) { it: listenerResume(id: $id, input: { \
        idempotencyKey: \"k\" }) { listener { paused } userErrors { code message } position } }";
    let pause = "mutation($id: ID!) { it: listenerPause(id: $id, input: {}) \
        { listener { paused } userErrors { code message } position } }";
    let id = json!({ "id": flow.listener });
    let running = flow.api.done(resume, id.clone()).await;
    assert_eq!(running["listener"]["paused"], false);
    let paused = flow.api.done(pause, id.clone()).await;
    let again = flow.api.done(resume, id).await;
    assert_eq!(again["position"], running["position"]);
    assert_eq!(again["listener"]["paused"], true);

    let events = "query($id: ID!, $after: Position) { \
        all: events(after: $after, order: ASCENDING) { nodes { type summary stream } } \
        history(of: $id) { nodes { type } } }";
    let before: u64 = running["position"].as_str().unwrap().parse().unwrap();
    let variables = json!({ "id": flow.listener, "after": (before - 1).to_string() });
    let told = flow.api.ask(events, variables).await;
    let nothing = &told["all"]["nodes"][0];
    assert_eq!(nothing["type"], "NOTHING_CHANGED");
    assert!(nothing["stream"].as_str().unwrap().starts_with("command-"));
    let summary = nothing["summary"].as_str().unwrap();
    assert!(summary.contains("changed nothing about"), "{summary}");
    assert!(summary.contains(&kafka.topic("orders")), "{summary}");
    let history = told["history"]["nodes"].as_array().unwrap();
    assert_eq!(history[0]["type"], "LISTENER_PAUSED");
    assert!(!history.contains(&json!({ "type": "NOTHING_CHANGED" })));
    assert_ne!(paused["position"], running["position"]);
}

#[tokio::test]
async fn what_was_sent_is_the_same_in_literals_and_in_variables() {
    let eventflows = Eventflows::start().await;
    let api = eventflows.api();
    let acme = json!({ "input": { "name": "acme" } });
    let acme = api.done(CREATE, acme).await["organization"]["id"].clone();
    let answer = "{ position userErrors { code message } }";
    let whole = format!(
        "mutation($input: AlgorithmRegisterInput!) {{ it: algorithmRegister(input: $input) {answer} }}"
    );
    let input = json!({ "organizationId": acme, "name": "score", "idempotencyKey": "k" });
    let first = api.done(&whole, json!({ "input": input })).await;
    let member = format!(
        "mutation($name: String!) {{ it: algorithmRegister(input: {{ name: $name, \
         idempotencyKey: \"k\", organizationId: {acme} }}) {answer} }}"
    );
    assert_eq!(api.done(&member, json!({ "name": "score" })).await, first);
    let literals = member.replace("($name: String!)", "");
    let literals = literals.replace("$name", "\"score\"");
    assert_eq!(api.done(&literals, json!({})).await, first);
    // Another member with its default was sent.
    let mut described = input;
    described["description"] = "".into();
    let described = json!({ "input": described });
    assert_eq!(
        api.refused(&whole, described).await,
        "IDEMPOTENCY_KEY_REUSED"
    );
}

#[tokio::test]
async fn an_id_that_is_none_of_ours_is_nothing() {
    let eventflows = Eventflows::start().await;
    let document = "query($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }";
    for id in ["", "x", "T3JnYW5pemF0aW9uOm5vYm9keQ"] {
        let answer = eventflows.api().ask(document, json!({ "id": id })).await;
        assert_eq!(answer, json!({ "node": null, "nodes": [null] }), "{id:?}");
    }
}

#[tokio::test]
async fn a_stale_revision_is_a_conflict_that_shows_what_changed_since() {
    let eventflows = Eventflows::start().await;
    let api = eventflows.api();
    let created = api
        .done(CREATE, json!({ "input": { "name": "acme" } }))
        .await;
    let add = "mutation($id: ID!, $input: OrganizationMemberAddInput!) { \
        it: organizationMemberAdd(id: $id, input: $input) { organization { id revision } position \
        userErrors { code message path revision changes { type streamRevision summary } } } }";
    let member = |name: &str, revision: &Value| {
        json!({
            "id": created["organization"]["id"],
            "input": { "member": name, "role": "OWNER", "expectedRevision": revision },
        })
    };
    let first = &created["organization"]["revision"];
    let done = api.done(add, member("ann", first)).await;
    let second = &done["organization"]["revision"];
    let done = api.done(add, member("bob", second)).await;
    let stale = refused(&eventflows, add, member("cid", first)).await;
    assert_eq!(stale["code"], "CONFLICT");
    assert_eq!(stale["revision"], done["organization"]["revision"]);
    assert_eq!(stale["path"], json!(["input", "expectedRevision"]));
    let changes = stale["changes"].as_array().unwrap();
    let summary: Vec<&str> = changes
        .iter()
        .map(|change| change["summary"].as_str().unwrap())
        .collect();
    assert_eq!(summary.len(), 2);
    assert!(
        summary[0].ends_with("added ann to acme as OWNER"),
        "{summary:?}"
    );
    assert!(
        summary[1].ends_with("added bob to acme as OWNER"),
        "{summary:?}"
    );
    assert_eq!(changes[1]["streamRevision"], "2");
    let ahead = refused(&eventflows, add, member("cid", &json!("r9"))).await;
    assert_eq!(
        (&ahead["code"], &ahead["changes"]),
        (&json!("CONFLICT"), &json!([]))
    );
}

#[tokio::test]
async fn ten_thousand_grants_at_once_are_too_large_a_body() {
    let eventflows = Eventflows::start().await;
    let grantee = json!({ "algorithmId": GHOST });
    let grant = json!({ "edit": "ADD", "grantee": grantee, "access": "PUBLISH" });
    let document = "mutation($id: ID!, $input: GrantsEditInput!) { grantsEdit(id: $id, input: $input) \
                    { position userErrors { code } } }";
    let variables = json!({ "id": TOPIC, "input": { "changes": vec![grant; 10_000] } });
    let body = json!({ "query": document, "variables": variables }).to_string();
    let (status, answer) = eventflows.api().post(body, &[]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["code"], "INVALID_ARGUMENT");
}

#[tokio::test]
async fn only_json_from_our_own_pages_is_executed() {
    let eventflows = Eventflows::start().await;
    let api = eventflows.api();
    let create = |name: &str| {
        json!({ "query": CREATE, "variables": { "input": { "name": name } } }).to_string()
    };
    let (status, _) = api
        .post(create("a"), &[("content-type", "text/plain")])
        .await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let (status, _) = api
        .post(create("a"), &[("origin", "http://evil.example")])
        .await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (status, _) = api.get("/graphql?query={organizations{nodes{id}}}").await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    let list = "{ organizations { nodes { name } } }";
    let nothing = json!({ "organizations": { "nodes": [] } });
    assert_eq!(api.ask(list, json!({})).await, nothing);

    let own = format!("http://{}", eventflows.authority());
    let (status, _) = api.post(create("a"), &[("origin", &own)]).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn requests_too_large_too_deep_or_unreadable_are_refused() {
    let eventflows = Eventflows::start().await;
    let api = eventflows.api();
    let (status, _) = api.post("x".repeat(129 * 1024), &[]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let (status, body) = api.post("{".to_owned(), &[]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body.contains("INVALID_ARGUMENT"), "{body}");
    let deep = format!(
        "{{ organizations {{ nodes {{ algorithms {{ nodes {{ {}",
        "listeners { nodes { algorithm { ".repeat(6)
    );
    let deep = format!("{deep} id {}", "}".repeat(18 + 5));
    let answer = api.answer(&deep, json!({})).await;
    let error = &answer["errors"][0];
    assert!(
        error["message"].as_str().unwrap().contains("deep"),
        "{answer}"
    );
    assert_eq!(error["extensions"]["code"], "TOO_COMPLEX");
}

#[tokio::test]
async fn health_says_alive_and_ready() {
    let mut eventflows = Eventflows::start().await;
    let api = eventflows.api();
    assert_eq!(api.get("/livez").await.0, StatusCode::OK);
    assert_eq!(api.get("/readyz").await.0, StatusCode::OK);
    assert_eq!(api.get("/graphiql/").await.0, StatusCode::NOT_FOUND);
    eventflows.terminate().await;
}
