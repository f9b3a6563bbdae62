//! Brokers that are refused, replaced, and named.

use serde_json::json;
use tests::{Endpoint, Eventflows, Flow, FlowOptions, Kafka, eventually};

use super::{error, of_id, of_input};

#[tokio::test]
async fn a_topics_name_is_as_long_as_kafka_allows_and_no_longer() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let longest = "x".repeat(249 - kafka.topic("").len());
    kafka.create(&[&longest], 1).await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    let any = json!({
        "edit": "ADD", "pattern": "*", "grantee": { "algorithmId": flow.algorithm },
        "access": "DEAD_LETTER",
    });
    let edit = json!({ "id": flow.broker, "input": { "changes": [any] } });
    flow.api.done(&of_id("grantsEdit"), edit).await;
    let set = of_id("listenerUpdate");
    let dlq = |name: String| json!({ "id": flow.listener, "input": { "dlq": name } });
    flow.api.done(&set, dlq(kafka.topic(&longest))).await;
    for (length, code) in [
        (249, "UNKNOWN_TOPIC"),
        (250, "OUT_OF_RANGE"),
        (326, "BAD_NAME"),
    ] {
        let refused = error(&flow.api, &set, dlq("y".repeat(length))).await;
        assert_eq!(refused["code"], code, "{length}");
        assert_eq!(refused["path"], json!(["input", "dlq"]));
    }
    let dlq = flow.look("deadLetterTopic { name }").await;
    let dlq = &dlq["deadLetterTopic"]["name"];
    assert_eq!(dlq, &kafka.topic(&longest), "nothing was half-done");
}

#[tokio::test]
async fn a_replacement_is_previewed_and_takes_over() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    let connect = "mutation($input: BrokerConnectInput!) { it: brokerConnect(input: $input) \
                   { broker { id } userErrors { code message } } }";
    let next = json!({ "input": {
        "name": "next", "settings": { "kafka": { "bootstrapServers": [kafka.address()] } },
    } });
    let next = flow.api.done(connect, next).await["broker"]["id"].clone();
    let preview = "query($id: ID!, $next: ID!) { brokerReplacementPreview(id: $id, \
        replacementId: $next) { moves { topic { name } holding { \
        listeners { algorithm { name } } publishers { algorithm { name } } \
        grants { algorithm { name } access } } } missing { topic { name } } } }";
    let both = json!({ "id": flow.broker, "next": next });
    let preview = flow.api.ask(preview, both).await["brokerReplacementPreview"].clone();
    assert_eq!(preview["missing"], json!([]));
    let moved = |name: &str| {
        let moves = preview["moves"].as_array().unwrap();
        let found = moves
            .iter()
            .find(|m| m["topic"]["name"] == kafka.topic(name));
        found.unwrap()["holding"].clone()
    };
    let score = json!([{ "algorithm": { "name": "acme/score" } }]);
    assert_eq!(moved("orders")["listeners"], score);
    assert_eq!(moved("scores")["publishers"], score);

    let replace = of_id("brokerReplace");
    let itself = json!({ "id": flow.broker, "input": { "replacementId": flow.broker } });
    let refused = error(&flow.api, &replace, itself).await;
    assert_eq!(refused["code"], "BAD_REPLACEMENT");
    assert_eq!(refused["path"], json!(["input", "replacementId"]));
    let input = json!({ "id": flow.broker, "input": { "replacementId": next } });
    flow.api.done(&replace, input).await;
    let document = "query($id: ID!) { \
                    listeners(filter: { brokerIds: [$id], enabled: true }) { nodes { id } } \
                    publishers(filter: { brokerIds: [$id], enabled: true }) { nodes { id } } }";
    eventually(
        "listener and publisher are on the replacement",
        async || {
            let there = flow.api.ask(document, json!({ "id": next })).await;
            let count = |list: &str| there[list]["nodes"].as_array().unwrap().len();
            (count("listeners") == 1 && count("publishers") == 1).then_some(())
        },
    )
    .await;
    kafka.produce("orders", b"after").await;
    assert_eq!(kafka.until_records("scores", 1).await[0].text(), "after");
    let rotate = json!({ "id": next, "input": {
        "credential": { "name": "local/main", "version": 1 },
    } });
    let refused = error(&flow.api, &of_id("brokerCredentialRotate"), rotate).await;
    assert_eq!(refused["code"], "NO_CREDENTIAL");
}

#[tokio::test]
async fn a_broker_that_no_worker_speaks_is_refused_and_not_stored() {
    let eventflows = Eventflows::start().await;
    let api = eventflows.api();
    let connect = of_input("brokerConnect");
    let sqs = json!({ "sqs": { "region": "eu-central-1" } });
    let tls = json!({ "kafka": { "bootstrapServers": ["localhost:9092"], "tls": {} } });
    for (settings, kind, client) in [(sqs, "sqs", "Amazon SQS"), (tls, "kafka", "Kafka with TLS")] {
        let refused = eventually("a worker answers", async || {
            let input = json!({ "name": "other", "settings": settings });
            let refused = error(&api, &connect, json!({ "input": input })).await;
            (refused["code"] != "NO_WORKER").then_some(refused)
        })
        .await;
        assert_eq!(refused["code"], "BROKER_UNREACHABLE");
        assert_eq!(refused["path"], json!(["input", "settings", kind]));
        let message = refused["message"].as_str().unwrap();
        assert!(
            message.ends_with(&format!("no client for {client}")),
            "{message}"
        );
    }
    let brokers = api.ask("{ brokers { nodes { id } } }", json!({})).await;
    assert_eq!(brokers["brokers"]["nodes"], json!([]));
    let secret = json!({ "name": "local/main", "version": 0 });
    for (settings, code, path) in [
        (
            json!({ "sqs": {
                "region": "eu-central-1", "auth": { "staticKeys": { "credential": secret } },
            } }),
            "OUT_OF_RANGE",
            json!([
                "input",
                "settings",
                "sqs",
                "auth",
                "staticKeys",
                "credential"
            ]),
        ),
        (
            json!({ "kafka": { "bootstrapServers": ["h:1"], "sasl": {
                "mechanism": "SCRAM_SHA_256", "credential": { "name": "../key", "version": 1 },
            } } }),
            "BAD_NAME",
            json!(["input", "settings", "kafka", "sasl", "credential"]),
        ),
    ] {
        let input = json!({ "name": "a", "settings": settings });
        let refused = error(&api, &connect, json!({ "input": input })).await;
        assert_eq!((&refused["code"], &refused["path"]), (&json!(code), &path));
    }
    // Of what excludes each other, a document names exactly one.
    let kafka = json!({ "bootstrapServers": ["h:1"] });
    let bus = json!({ "namespace": "a.servicebus.windows.net" });
    for settings in [
        json!({}),
        json!({ "kafka": null }),
        json!({ "serviceBus": bus }),
        json!({ "kafka": kafka, "sqs": { "region": "eu-central-1" } }),
    ] {
        let input = json!({ "input": { "name": "a", "settings": settings } });
        let answer = api.answer(&connect, input).await;
        let code = &answer["errors"][0]["extensions"]["code"];
        assert_eq!(code, "INVALID_ARGUMENT", "{answer}");
    }
}
