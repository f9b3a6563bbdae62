//! Arguments that are refused, each with its code and its path.

use serde_json::{Value, json};
use tests::Eventflows;

use crate::conventions::CREATE;

/// The id of the algorithm acme/ghost, which nobody registered.
pub(crate) const GHOST: &str = "QWxnb3JpdGhtOmFjbWUvZ2hvc3Q";

/// The id of a broker that nobody connected.
const BROKER: &str = "QnJva2VyOjAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwMQ";

/// The id of the topic orders of a broker that nobody connected.
pub(crate) const TOPIC: &str = "VG9waWM6MDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAxL29yZGVycw";

/// The id of the listener of acme/ghost on it.
const LISTENER: &str =
    "TGlzdGVuZXI6MDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAxL29yZGVyc3xhY21lL2dob3N0";

/// A mutation with the only user error that it has.
pub(crate) async fn refused(eventflows: &Eventflows, document: &str, variables: Value) -> Value {
    let payload = eventflows.api().ask(document, variables).await["it"].clone();
    assert_eq!(payload["position"], Value::Null, "{payload:#}");
    let errors = payload["userErrors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{payload:#}");
    errors[0].clone()
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
        (
            enable,
            listener("settings", json!({ "filter": "body.amount >" })),
            "BAD_EXPRESSION",
            "settings.filter",
        ),
        (
            "listenerUpdate",
            json!({ "id": LISTENER, "settings": { "transform": { "request": "answer" } } }),
            "BAD_EXPRESSION",
            "settings.transform.request",
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
