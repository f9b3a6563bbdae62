//! Grants in batches, wide ones, and taking a grant back.

use serde_json::{Value, json};
use tests::flow::{algorithm, connect, grant};
use tests::{Endpoint, Eventflows, GraphQl, Kafka, eventually};

use super::{error, look, of_id, organization};

/// What happened to a thing, in words, with the id of each event, oldest first.
async fn history(api: &GraphQl, id: &Value) -> Vec<Value> {
    let document = "query($id: ID!) { history(of: $id, order: ASCENDING) { \
                    nodes { id type summary } } }";
    let answer = api.ask(document, json!({ "id": id })).await;
    answer["history"]["nodes"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_batch_of_grants_is_done_whole_or_not_at_all() {
    let kafka = Kafka::from_environment();
    let eventflows = Eventflows::start().await;
    let api = eventflows.api();
    let versions = [("1.0.0", "http://127.0.0.1:9/".to_owned())];
    let algorithm = algorithm(&api, &versions).await;
    let (_, topics) = connect(&api, &kafka).await;
    let edit = of_id("grantsEdit");
    let grantee = json!({ "algorithmId": algorithm });
    let change =
        |edit: &str, access: &str| json!({ "edit": edit, "grantee": grantee, "access": access });
    let batch = |changes: Vec<Value>| json!({ "id": topics[0], "input": { "changes": changes } });
    // acme/ghost, which nobody registered.
    let mut ghost = change("ADD", "PUBLISH");
    ghost["grantee"]["algorithmId"] = json!("QWxnb3JpdGhtOmFjbWUvZ2hvc3Q");
    let mut pattern = change("ADD", "PUBLISH");
    pattern["pattern"] = json!("orders-*");
    for (changes, code, path) in [
        (
            vec![change("ADD", "SUBSCRIBE"), ghost],
            "NOT_FOUND",
            json!(["input", "changes", "1", "grantee", "algorithmId"]),
        ),
        (
            vec![change("ADD", "SUBSCRIBE"), change("ADD", "SUBSCRIBE")],
            "DUPLICATE_CHANGE",
            json!(["input", "changes", "1"]),
        ),
        (
            vec![change("ADD", "SUBSCRIBE"), change("REMOVE", "SUBSCRIBE")],
            "CONTRADICTORY_CHANGE",
            json!(["input", "changes", "1"]),
        ),
        (
            vec![pattern],
            "OUT_OF_RANGE",
            json!(["input", "changes", "0", "pattern"]),
        ),
        (vec![], "OUT_OF_RANGE", json!(["input", "changes"])),
        (
            vec![change("ADD", "SUBSCRIBE"); 501],
            "OUT_OF_RANGE",
            json!(["input", "changes"]),
        ),
    ] {
        let refused = error(&api, &edit, batch(changes)).await;
        assert_eq!((&refused["code"], &refused["path"]), (&json!(code), &path));
    }
    let granted = async || {
        let topic = look(&api, &topics[0], "Topic", "grants { nodes { access } }").await;
        topic["grants"]["nodes"].clone()
    };
    assert_eq!(granted().await, json!([]), "nothing was half-done");
    api.done(&edit, batch(vec![change("ADD", "SUBSCRIBE")]))
        .await;
    let both = vec![change("REMOVE", "SUBSCRIBE"), change("ADD", "PUBLISH")];
    api.done(&edit, batch(both)).await;
    assert_eq!(granted().await, json!([{ "access": "PUBLISH" }]));
}

#[tokio::test]
async fn wide_grants_permit_a_listener_and_their_end_disables_it_with_the_cause() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let api = eventflows.api();
    let algorithm = algorithm(&api, &[("1.0.0", endpoint.url("/"))]).await;
    let (broker, topics) = connect(&api, &kafka).await;
    let organization = organization(&api).await;
    let enable = "mutation($input: ListenerEnableInput!) { it: listenerEnable(input: $input) \
                  { listener { id } userErrors { code message } } }";
    let input = json!({ "input": {
        "topicId": topics[0], "algorithmId": algorithm, "version": "latest",
        "settings": { "start": { "at": "EARLIEST" } },
    } });
    let of_organization = |edit: &str| {
        let grantee = json!({ "organizationId": organization });
        json!({ "id": topics[0], "input": { "changes": [
            { "edit": edit, "grantee": grantee, "access": "SUBSCRIBE" },
        ] } })
    };
    let of_pattern = |edit: &str| {
        json!({ "id": broker, "input": { "changes": [{
            "edit": edit, "pattern": kafka.topic("ord*s"),
            "grantee": { "algorithmId": algorithm }, "access": "SUBSCRIBE",
        }] } })
    };
    let document = of_id("grantsEdit");
    for (round, (add, remove)) in [
        (of_organization("ADD"), of_organization("REMOVE")),
        (of_pattern("ADD"), of_pattern("REMOVE")),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(api.refused(enable, input.clone()).await, "NOT_GRANTED");
        api.done(&document, add).await;
        let enabled = api.done(enable, input.clone()).await;
        let listener = enabled["listener"]["id"].clone();
        kafka.produce("orders", b"listened to").await;
        eventually("the message is called with", async || {
            (endpoint.calls().len() == round + 1).then_some(())
        })
        .await;
        let revoked = api.done(&document, remove).await["position"].clone();
        let disabled = eventually("the policy's answer", async || {
            let seen = look(&api, &listener, "Listener", "enabled changedBecause { id }").await;
            (seen["enabled"] == false).then_some(seen)
        })
        .await;
        let document = "query($after: Position!) { events(after: $after, first: 1, \
                        order: ASCENDING) { nodes { id type } } }";
        let before = revoked.as_str().unwrap().parse::<u64>().unwrap() - 1;
        let cause = api
            .ask(document, json!({ "after": before.to_string() }))
            .await;
        let cause = cause["events"]["nodes"][0].clone();
        assert_eq!(disabled["changedBecause"]["id"], cause["id"], "{cause}");
    }
}

#[tokio::test]
async fn a_grant_is_taken_back_once_and_its_history_tells_so() {
    let kafka = Kafka::from_environment();
    let eventflows = Eventflows::start().await;
    let api = eventflows.api();
    let versions = [("1.0.0", "http://127.0.0.1:9/".to_owned())];
    let algorithm = algorithm(&api, &versions).await;
    let (broker, topics) = connect(&api, &kafka).await;
    // Of the same stream, and no part of the history.
    grant(&api, &topics[0], &algorithm, "PUBLISH").await;
    let granted = grant(&api, &topics[0], &algorithm, "SUBSCRIBE").await;
    let undo = "mutation($id: ID!, $input: UndoInput!) { it: undo(id: $id, input: $input) \
                { event { type summary } userErrors { code message path } position } }";
    let event = history(&api, &granted).await[0]["id"].clone();
    let once = json!({ "id": event, "input": { "idempotencyKey": "once" } });
    let undone = api.done(undo, once.clone()).await;
    assert_eq!(undone["event"]["type"], "TOPIC_REVOKED");
    assert_eq!(
        api.done(undo, once).await,
        undone,
        "the same key, the same answer"
    );
    let node = "query($id: ID!) { node(id: $id) { id } }";
    let gone = api.ask(node, json!({ "id": granted })).await;
    assert_eq!(gone["node"], Value::Null);

    let told = history(&api, &granted).await;
    let told: Vec<&str> = told
        .iter()
        .map(|e| e["summary"].as_str().unwrap())
        .collect();
    let orders = kafka.topic("orders");
    assert_eq!(told.len(), 2);
    assert!(
        told[0].ends_with(&format!("granted SUBSCRIBE on {orders} to acme/score")),
        "{told:?}"
    );
    assert!(
        told[1].ends_with(&format!("revoked SUBSCRIBE on {orders} from acme/score")),
        "{told:?}"
    );
    let connected = history(&api, &broker).await;
    let words = connected[1]["summary"].as_str().unwrap();
    assert!(
        words.ends_with("on main"),
        "the broker by its name: {words}"
    );

    let again = json!({ "id": event, "input": {} });
    let refused = error(&api, undo, again).await;
    assert_eq!(refused["code"], "NOT_UNDOABLE");
    assert_eq!(refused["message"], "it has been changed since");
    assert_eq!(refused["path"], json!(["id"]));
    let registered = history(&api, &algorithm).await[0]["id"].clone();
    let refused = error(&api, undo, json!({ "id": registered, "input": {} })).await;
    assert_eq!(refused["code"], "NOT_UNDOABLE");
    for (id, code) in [
        (&algorithm, "BAD_ID"),
        (&json!("RXZlbnQ6OTk5OTk5"), "NOT_FOUND"),
    ] {
        let refused = error(&api, undo, json!({ "id": id, "input": {} })).await;
        assert_eq!(refused["code"], code);
    }
}
