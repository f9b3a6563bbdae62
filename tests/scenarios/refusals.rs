//! What may not be done is answered by a code, and nothing happens.

use serde_json::{Value, json};
use tests::flow::{algorithm, connect, grant};
use tests::{Eventflows, GraphQl, Kafka};

const ENABLE: &str = "mutation($input: ListenerEnableInput!) { it: listenerEnable(input: $input) \
    { userErrors { code message path } } }";
const CONNECT: &str = "mutation($input: BrokerConnectInput!) { it: brokerConnect(input: $input) \
    { userErrors { code message path } } }";

async fn position(api: &GraphQl) -> Value {
    api.ask("{ position }", json!({})).await["position"].clone()
}

#[tokio::test]
async fn every_refusal_has_a_code_and_changes_nothing() {
    let kafka = Kafka::from_environment();
    let eventflows = Eventflows::start().await;
    let api = eventflows.api();
    let versions = [("1.0.0", "http://127.0.0.1:9/".to_owned())];
    let algorithm = algorithm(&api, &versions).await;
    let (broker, topics) = connect(&api, &kafka).await;
    let input = |version: &str, dlq: Value| {
        json!({ "input": {
            "topicId": topics[0], "algorithmId": algorithm, "version": version, "dlq": dlq,
            "settings": { "start": { "at": "EARLIEST" } },
        } })
    };
    let before = position(&api).await;
    assert_eq!(
        api.refused(ENABLE, input("1.0.0", Value::Null)).await,
        "NOT_GRANTED"
    );

    let taken = "mutation { it: organizationCreate(input: { name: \"acme\" }) \
                 { userErrors { code message path } } }";
    assert_eq!(api.refused(taken, json!({})).await, "NAME_TAKEN");
    let at = |address: &str| json!({ "kafka": { "bootstrapServers": [address] } });
    let same = json!({ "input": { "name": "main", "settings": at(kafka.address()) } });
    assert_eq!(api.refused(CONNECT, same).await, "NAME_TAKEN");
    let nobody = json!({ "input": { "name": "other", "settings": at("127.0.0.1:1") } });
    assert_eq!(api.refused(CONNECT, nobody).await, "BROKER_UNREACHABLE");
    assert_eq!(position(&api).await, before);

    grant(&api, &topics[0], &algorithm, "SUBSCRIBE").await;
    let before = position(&api).await;
    assert_eq!(
        api.refused(ENABLE, input("2.0.0", Value::Null)).await,
        "UNKNOWN_VERSION"
    );
    let own = json!(kafka.topic("orders"));
    assert_eq!(
        api.refused(ENABLE, input("1.0.0", own)).await,
        "DLQ_IS_SOURCE_TOPIC"
    );
    let foreign = json!(kafka.topic("orders-dlq"));
    assert_eq!(
        api.refused(ENABLE, input("1.0.0", foreign)).await,
        "NOT_GRANTED"
    );
    let absent = json!("there.is.no.such.topic");
    assert_eq!(
        api.refused(ENABLE, input("1.0.0", absent)).await,
        "UNKNOWN_TOPIC"
    );
    assert_eq!(
        api.refused(ENABLE, input("one", Value::Null)).await,
        "BAD_NAME"
    );
    assert_eq!(position(&api).await, before);

    let disconnect = "mutation($id: ID!) { it: brokerDisconnect(id: $id, input: {}) \
                      { userErrors { code message path } } }";
    api.done(disconnect, json!({ "id": broker })).await;
    assert_eq!(
        api.refused(disconnect, json!({ "id": broker })).await,
        "BROKER_GONE"
    );
    assert_eq!(
        api.refused(ENABLE, input("1.0.0", Value::Null)).await,
        "BROKER_GONE"
    );
}

#[tokio::test]
async fn malformed_names_ids_and_numbers_are_refused_by_field() {
    let eventflows = Eventflows::start().await;
    let api = eventflows.api();
    let versions = [("1.0.0", "http://127.0.0.1:9/".to_owned())];
    let algorithm = algorithm(&api, &versions).await;
    let create = "mutation($input: OrganizationCreateInput!) { it: organizationCreate(\
                  input: $input) { userErrors { code message path } } }";
    for name in ["", "9lives", "a b", "a/b", "é", &"x".repeat(31)] {
        let variables = json!({ "input": { "name": name } });
        assert_eq!(api.refused(create, variables).await, "BAD_NAME", "{name:?}");
    }
    let publish = "mutation($input: VersionPublishInput!) { it: versionPublish(input: $input) \
                   { userErrors { code message path } } }";
    let version = |changes: Value| {
        let mut input = json!({
            "algorithmId": algorithm, "version": "2.0.0", "endpoint": "http://h/",
        });
        let fields = input.as_object_mut().unwrap();
        fields.extend(changes.as_object().unwrap().clone());
        json!({ "input": input })
    };
    for (changes, code) in [
        (json!({ "algorithmId": "bm9uc2Vuc2U" }), "BAD_ID"),
        (json!({ "version": "two" }), "BAD_NAME"),
        (json!({ "version": "1.0.0" }), "VERSION_TAKEN"),
        (json!({ "endpoint": "ftp://h/" }), "BAD_ENDPOINT"),
        (
            json!({ "endpoint": "http://user:secret@h/" }),
            "BAD_ENDPOINT",
        ),
        (json!({ "timeoutMs": 0 }), "OUT_OF_RANGE"),
        (json!({ "idempotencyKey": "" }), "OUT_OF_RANGE"),
    ] {
        let refused = api.refused(publish, version(changes.clone())).await;
        assert_eq!(refused, code, "{changes}");
    }
}
