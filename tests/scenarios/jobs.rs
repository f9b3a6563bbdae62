//! Long work as a job: begun without waiting, followed, and asked for its result.

use serde_json::{Value, json};
use tests::{Eventflows, GraphQl, Kafka, eventually};

const CONNECT: &str = "mutation($input: BrokerConnectInput!) { it: brokerConnect(input: $input) \
     { job { id work state } broker { id } position userErrors { code message path bounds { min max } } } }";

const JOB: &str = "id state steps { kind topics ofTopics endedAt } endedAt failure \
                   result { position broker { id name } } userErrors { code path }";

/// Connects a broker without waiting for it, once there is a worker that looks at it.
async fn begin(api: &GraphQl, name: &str, address: &str, key: &str) -> Value {
    let settings = json!({ "kafka": { "bootstrapServers": [address] } });
    let input = json!({
        "name": name, "settings": settings, "waitMs": 0, "idempotencyKey": key,
    });
    let payload = api.ask(CONNECT, json!({ "input": input })).await["it"].clone();
    assert_eq!(payload["job"]["work"], "BROKER_CONNECT", "{payload}");
    payload["job"]["id"].clone()
}

/// The states of a job that its follower is told, the last one whole.
async fn followed(api: &GraphQl, id: &Value) -> Value {
    let document = format!("subscription($id: ID!) {{ job(id: $id) {{ {JOB} }} }}");
    let mut items = api.subscribe(&document, json!({ "id": id })).await;
    loop {
        let job = items.next().await["job"].clone();
        assert_eq!(&job["id"], id);
        if job["state"] != "RUNNING" {
            return job;
        }
        assert_eq!(job["endedAt"], Value::Null, "{job}");
    }
}

async fn asked(api: &GraphQl, id: &Value) -> Value {
    let document = format!(
        "query($id: ID!) {{ job(id: $id) {{ {JOB} }} node(id: $id) {{ ... on Job {{ {JOB} }} }} }}"
    );
    let answer = api.ask(&document, json!({ "id": id })).await;
    assert_eq!(answer["job"], answer["node"]);
    answer["job"].clone()
}

#[tokio::test]
async fn a_broker_is_connected_by_a_job_that_is_followed_and_asked_afterwards() {
    let kafka = Kafka::from_environment();
    kafka.create(&["orders"], 1).await;
    let eventflows = Eventflows::start().await;
    let api = eventflows.api();
    let ended = eventually("a worker looks at the broker", async || {
        let job = followed(&api, &begin(&api, "main", kafka.address(), "connect").await).await;
        let waits = job["userErrors"][0]["code"] == "NO_WORKER";
        (!waits).then_some(job)
    })
    .await;
    assert_eq!(ended["state"], "SUCCEEDED", "{ended}");
    assert_eq!(ended["result"]["broker"]["name"], "main");
    let steps = ended["steps"].as_array().unwrap();
    let kinds: Vec<&str> = steps.iter().map(|s| s["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["LIST_TOPICS", "RECORD_TOPICS"]);
    assert!(
        steps.iter().all(|step| step["endedAt"].is_string()),
        "{ended}"
    );
    assert!(steps[0]["topics"].as_u64().unwrap() > 0, "{ended}");
    assert_eq!(asked(&api, &ended["id"]).await, ended);

    // Under its key it is done, however long the answer would wait.
    let settings = json!({ "kafka": { "bootstrapServers": [kafka.address()] } });
    let again = json!({ "name": "main", "settings": settings, "idempotencyKey": "connect" });
    let again = api.done(CONNECT, json!({ "input": again })).await;
    assert_eq!(again["job"]["id"], ended["id"]);
    assert_eq!(again["position"], ended["result"]["position"]);
    assert_eq!(again["broker"]["id"], ended["result"]["broker"]["id"]);
}

#[tokio::test]
async fn a_job_that_is_refused_says_why_and_is_tried_again_under_its_key() {
    let kafka = Kafka::from_environment();
    kafka.create(&["orders"], 1).await;
    let eventflows = Eventflows::start().await;
    let api = eventflows.api();
    let id = begin(&api, "main", "127.0.0.1:1", "first").await;
    let refused = eventually("a worker looks at the broker", async || {
        let job = followed(&api, &begin(&api, "main", "127.0.0.1:1", "first").await).await;
        (job["userErrors"][0]["code"] != "NO_WORKER").then_some(job)
    })
    .await;
    assert_eq!(refused["id"], id, "the same key is the same job");
    assert_eq!(refused["state"], "REFUSED");
    let error = json!({ "code": "BROKER_UNREACHABLE", "path": ["input", "settings", "kafka"] });
    assert_eq!(refused["userErrors"], json!([error]));
    assert_eq!(refused["result"], Value::Null);
    assert_eq!(asked(&api, &id).await, refused);

    let document = "subscription($id: ID!) { job(id: $id) { state } }";
    let nobody = json!({ "id": "Sm9iOjAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwMA" });
    let unknown = api
        .ask("query($id: ID!) { job(id: $id) { state } }", nobody.clone())
        .await;
    assert_eq!(unknown["job"], Value::Null);
    let refused = api.subscribe(document, nobody).await.error().await;
    assert!(refused.contains("does not know this job"), "{refused}");
}

#[tokio::test]
async fn an_answer_waits_for_a_job_within_bounds() {
    let eventflows = Eventflows::start().await;
    let settings = json!({ "kafka": { "bootstrapServers": ["127.0.0.1:1"] } });
    let input = json!({ "name": "main", "settings": settings, "waitMs": 30_001 });
    let answer = eventflows
        .api()
        .ask(CONNECT, json!({ "input": input }))
        .await;
    let error = &answer["it"]["userErrors"][0];
    assert_eq!(error["code"], "OUT_OF_RANGE", "{answer}");
    assert_eq!(error["path"], json!(["input", "waitMs"]));
    assert_eq!(error["bounds"], json!({ "min": 0, "max": 30_000 }));
    assert_eq!(answer["it"]["job"], Value::Null);
}
