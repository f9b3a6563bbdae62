//! The conventions that every client may count on.

use http::StatusCode;
use serde_json::{Value, json};
use tests::{Eventflows, Flow, FlowOptions, Kafka};

pub(crate) const CREATE: &str = "mutation($input: OrganizationCreateInput!) { it: organizationCreate(\
    input: $input) { organization { id name revision } userErrors { code message path } position } }";

/// The id of the algorithm acme/ghost, which nobody registered.
const GHOST: &str = "QWxnb3JpdGhtOmFjbWUvZ2hvc3Q";

/// The id of a broker that nobody connected.
const BROKER: &str = "QnJva2VyOjAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwMQ";

/// The id of the topic orders of a broker that nobody connected.
pub(crate) const TOPIC: &str = "VG9waWM6MDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAxL29yZGVycw";

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

/// A mutation with the only user error that it has.
async fn refused(eventflows: &Eventflows, document: &str, variables: Value) -> Value {
    let payload = eventflows.api().ask(document, variables).await["it"].clone();
    assert_eq!(payload["position"], Value::Null, "{payload:#}");
    let errors = payload["userErrors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{payload:#}");
    errors[0].clone()
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

/// Has each mutation refused with its code and path, and finds that nothing happened. An `id` in
/// the arguments selects what is changed; the rest is the input.
async fn refuse_each(eventflows: &Eventflows, cases: Vec<(&str, Value, &str, &str)>) {
    let api = eventflows.api();
    let count = async || {
        let document = "{ events(first: 100) { nodes { stream } } }";
        let events = api.ask(document, json!({})).await["events"]["nodes"].clone();
        // The worker joins in its own time.
        let ours = |event: &&Value| !event["stream"].as_str().unwrap().starts_with("worker-");
        events.as_array().unwrap().iter().filter(ours).count()
    };
    let before = count().await;
    for (mutation, mut input, code, path) in cases {
        let kind = client::input_type(mutation);
        let id = input.as_object_mut().unwrap().remove("id");
        let (variable, argument) = match id {
            Some(_) => ("$id: ID!, ", "id: $id, "),
            None => ("", ""),
        };
        let document = format!(
            "mutation({variable}$input: {kind}!) {{ it: {mutation}({argument}input: $input) \
             {{ position userErrors {{ code message path }} }} }}"
        );
        let variables = json!({ "id": id, "input": input });
        let error = refused(eventflows, &document, variables.clone()).await;
        assert_eq!(error["code"], code, "{mutation} {variables}");
        let within = (path != "id").then_some("input");
        let named: Vec<&str> = within.into_iter().chain(path.split('.')).collect();
        assert_eq!(error["path"], json!(named), "{mutation} {variables}");
        assert_ne!(error["message"], "");
    }
    assert_eq!(count().await, before, "nothing was half-done");
}

#[tokio::test]
async fn a_bad_name_or_id_of_an_owner_is_named() {
    let eventflows = Eventflows::start().await;
    let api = eventflows.api();
    let created = api
        .done(CREATE, json!({ "input": { "name": "acme" } }))
        .await;
    let acme = created["organization"]["id"].clone();
    let (ghost, nobody) = (json!(GHOST), json!("T3JnYW5pemF0aW9uOm5vYm9keQ"));
    let member = |name: &str, organization: &Value| json!({ "id": organization, "member": name, "role": "OWNER" });
    let version = |version: &str| json!({ "algorithmId": ghost, "version": version, "endpoint": "http://h/" });
    let published = json!("VmVyc2lvbjphY21lL3Njb3JlQDEuMC4w");
    let key = json!({ "name": "b", "idempotencyKey": "k".repeat(201) });
    let add = "organizationMemberAdd";
    let cases = vec![
        (add, member(&"x".repeat(255), &acme), "BAD_NAME", "member"),
        (add, member("é", &acme), "BAD_NAME", "member"),
        (add, member("", &acme), "BAD_NAME", "member"),
        (add, member("ann", &ghost), "BAD_ID", "id"),
        (add, member("ann", &nobody), "NOT_FOUND", "id"),
        (
            "versionPublish",
            version("1.0.0"),
            "NOT_FOUND",
            "algorithmId",
        ),
        ("versionPublish", version("1.*"), "BAD_NAME", "version"),
        (
            "versionWithdraw",
            json!({ "id": published }),
            "NOT_FOUND",
            "id",
        ),
        ("versionWithdraw", json!({ "id": ghost }), "BAD_ID", "id"),
        ("algorithmRetire", json!({ "id": ghost }), "NOT_FOUND", "id"),
        ("algorithmRetire", json!({ "id": acme }), "BAD_ID", "id"),
        ("organizationCreate", key, "OUT_OF_RANGE", "idempotencyKey"),
        ("undo", json!({ "id": "x" }), "BAD_ID", "id"),
    ];
    refuse_each(&eventflows, cases).await;
}

#[tokio::test]
async fn a_bad_argument_of_a_listener_is_named() {
    let eventflows = Eventflows::start().await;
    let (topic, ghost) = (json!(TOPIC), json!(GHOST));
    let listener = |field: &str, value: Value| {
        let mut input = json!({
            "topicId": topic, "algorithmId": ghost, "version": "latest",
            "settings": { "start": { "at": "EARLIEST" } },
        });
        input[field] = value;
        input
    };
    let untimed = json!({ "start": { "at": "TIMESTAMP" } });
    let enable = "listenerEnable";
    let cases = vec![
        (
            enable,
            listener("topicId", ghost.clone()),
            "BAD_ID",
            "topicId",
        ),
        (
            enable,
            listener("version", json!("1.2")),
            "BAD_NAME",
            "version",
        ),
        (
            enable,
            listener("dlq", json!("x".repeat(326))),
            "BAD_NAME",
            "dlq",
        ),
        (
            enable,
            listener("settings", untimed),
            "OUT_OF_RANGE",
            "settings.start.time",
        ),
    ];
    refuse_each(&eventflows, cases).await;
}

#[tokio::test]
async fn a_bad_change_of_grants_is_named() {
    let eventflows = Eventflows::start().await;
    let (topic, ghost, broker) = (json!(TOPIC), json!(GHOST), json!(BROKER));
    let of = |algorithm: &Value| {
        let grantee = json!({ "algorithmId": algorithm });
        json!({ "edit": "ADD", "grantee": grantee, "access": "PUBLISH" })
    };
    let (grant, wrong, mut pattern) = (of(&ghost), of(&topic), of(&ghost));
    pattern["pattern"] = json!("orders");
    let edit = |id: &Value, changes: Value| json!({ "id": id, "changes": changes });
    let grants = "grantsEdit";
    let cases = vec![
        (grants, edit(&ghost, json!([grant])), "BAD_ID", "id"),
        (grants, edit(&topic, json!([grant])), "BROKER_GONE", "id"),
        (
            grants,
            edit(&topic, json!([grant, wrong])),
            "BAD_ID",
            "changes.1.grantee.algorithmId",
        ),
        (
            grants,
            edit(&broker, json!([pattern])),
            "BAD_NAME",
            "changes.0.pattern",
        ),
        (
            grants,
            edit(&broker, json!([grant])),
            "OUT_OF_RANGE",
            "changes.0.pattern",
        ),
    ];
    refuse_each(&eventflows, cases).await;
}

#[tokio::test]
async fn a_bad_argument_of_a_grant_is_named() {
    let eventflows = Eventflows::start().await;
    let add =
        |scope: Value, of: &Value| json!({ "scope": scope, "grantee": of, "access": "PUBLISH" });
    let one = json!({ "topicId": TOPIC });
    let all = |pattern: &str| json!({ "pattern": { "brokerId": BROKER, "pattern": pattern } });
    let nobody = json!({ "organizationId": GHOST });
    let ghost = json!({ "algorithmId": GHOST });
    let cases = vec![
        (
            "grantAdd",
            add(one.clone(), &nobody),
            "BAD_ID",
            "grantee.organizationId",
        ),
        ("grantAdd", add(one, &ghost), "BROKER_GONE", "scope.topicId"),
        (
            "grantAdd",
            add(all("orders"), &ghost),
            "BAD_NAME",
            "scope.pattern.pattern",
        ),
        (
            "grantAdd",
            add(all("orders-*"), &ghost),
            "BROKER_GONE",
            "scope.pattern.brokerId",
        ),
    ];
    refuse_each(&eventflows, cases).await;
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
