//! The whole of eventflows: server, log, read models, worker and journal in this process.

use api::{Principal, Schema};
use domain::Actor;
use serde_json::{Value, json};
use server::config::Settings;
use server::serve::Server;

use super::{FlowArgs, Kafka};

pub(super) async fn run(kafka: &Kafka, url: &str, args: &FlowArgs, run: usize) -> f64 {
    let results = kafka.results("eventflows", run).await;
    let data = tempfile::tempdir_in("target").unwrap();
    let server = Server::start(Settings {
        listen: ([127, 0, 0, 1], 0).into(),
        data: data.path().to_owned(),
        log_url: None,
        read_models_url: None,
        administrator: "bench".to_owned(),
        graphiql: None,
        log: server::logging::LogFormat::Text,
        checkpoints: server::audit::config::CheckpointArgs::default(),
    })
    .await
    .unwrap();
    set_up(server.schema(), kafka, url, &results, args.concurrency).await;
    let rate = kafka.measure(&results, args.messages).await;
    server.stop().await.unwrap();
    rate
}

async fn set_up(schema: &Schema, kafka: &Kafka, url: &str, results: &str, concurrency: usize) {
    let organization = step(
        schema,
        "organizationCreate(input: { name: \"acme\" }) { it: organization { id }",
        json!({}),
    )
    .await;
    let algorithm = step(
        schema,
        "algorithmRegister(input: { organizationId: $a, name: \"score\" }) { it: algorithm { id }",
        json!({ "a": organization }),
    )
    .await;
    step(
        schema,
        "versionPublish(input: { algorithmId: $a, version: \"1.0.0\", endpoint: $b }) \
         { it: algorithm { id }",
        json!({ "a": algorithm, "b": url }),
    )
    .await;
    let broker = step(
        schema,
        "brokerConnect(input: { name: \"main\", kafka: { bootstrapServers: [$b] } }) \
         { it: broker { id }",
        json!({ "b": kafka.settings.bootstrap_servers.join(",") }),
    )
    .await;
    let orders = topic(schema, &broker, &kafka.orders).await;
    let results = topic(schema, &broker, results).await;
    for (topic, access) in [(&orders, "SUBSCRIBE"), (&results, "PUBLISH")] {
        let grant = format!(
            "topicGrant(input: {{ topicId: $a, algorithmId: $c, access: {access} }}) \
             {{ it: grant {{ id }}"
        );
        step(schema, &grant, json!({ "a": topic, "c": algorithm })).await;
    }
    step(
        schema,
        "publisherEnable(input: { topicId: $a, algorithmId: $c, version: \"1.0.0\" }) \
         { it: publisher { id }",
        json!({ "a": results, "c": algorithm }),
    )
    .await;
    let listener = format!(
        "listenerEnable(input: {{ topicId: $a, algorithmId: $c, version: \"1.0.0\", \
         settings: {{ start: {{ at: EARLIEST }}, concurrency: {concurrency} }} }}) \
         {{ it: listener {{ id }}"
    );
    step(schema, &listener, json!({ "a": orders, "c": algorithm })).await;
}

/// The id of what a mutation is about.
async fn step(schema: &Schema, mutation: &str, variables: Value) -> Value {
    let names = variables.as_object().unwrap().keys();
    let declared: Vec<String> = names
        .map(|name| format!("${name}: {}", if name == "b" { "String!" } else { "ID!" }))
        .collect();
    let declared = if declared.is_empty() {
        String::new()
    } else {
        format!("({})", declared.join(", "))
    };
    let document =
        format!("mutation{declared} {{ it: {mutation} userErrors {{ code message }} }} }}");
    let answer = ask(schema, &document, variables).await;
    let id = answer["it"]["it"]["id"].clone();
    assert!(id.is_string(), "{document}: {answer}");
    id
}

/// The id of a topic of a broker.
async fn topic(schema: &Schema, broker: &Value, name: &str) -> Value {
    let document = "query($id: ID!, $name: String) { node(id: $id) { ... on Broker { \
                    topics(search: $name, first: 100) { nodes { id name } } } } }";
    let answer = ask(schema, document, json!({ "id": broker, "name": name })).await;
    let nodes = answer["node"]["topics"]["nodes"].as_array().unwrap();
    let found = nodes.iter().find(|node| node["name"] == name);
    found.expect("the topic was discovered")["id"].clone()
}

async fn ask(schema: &Schema, document: &str, variables: Value) -> Value {
    let principal = Principal {
        actor: Actor::User {
            name: "bench".to_owned(),
        },
        client_address: None,
    };
    let answer = schema.execute_json(document, variables, principal).await;
    answer.unwrap()
}
