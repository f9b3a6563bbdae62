//! What one message sets off along a flow, and the runs that it is made of.

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};
use tests::{Call, Endpoint, Eventflows, Flow, FlowOptions, GraphQl, Kafka, eventually, flow};

/// Scores pass, ratings are too much for the first call, and what is filed is refused.
async fn endpoint() -> Endpoint {
    let busy = std::sync::atomic::AtomicBool::new(true);
    Endpoint::start(move |call: &Call| match call.path.as_str() {
        "/rate" if busy.swap(false, std::sync::atomic::Ordering::SeqCst) => {
            (StatusCode::INTERNAL_SERVER_ERROR, Bytes::from("not yet"))
        }
        "/file" => (StatusCode::BAD_REQUEST, Bytes::from("no such customer 77")),
        _ => (StatusCode::OK, call.body.clone()),
    })
    .await
}

async fn topic(api: &GraphQl, kafka: &Kafka, broker: &Value, name: &str) -> Value {
    let document = "query($id: ID!, $search: String!) { node(id: $id) { ... on Broker { \
                    topics(filter: { search: $search }) { nodes { id name } } } } }";
    let variables = json!({ "id": broker, "search": kafka.topic(name) });
    let found = api.ask(document, variables).await;
    let mut nodes = found["node"]["topics"]["nodes"].as_array().unwrap().iter();
    let found = nodes.find(|node| node["name"] == kafka.topic(name));
    found.expect("the topic was discovered")["id"].clone()
}

/// Registers an algorithm beside `acme/score`, with a version at the endpoint.
async fn register(flow: &Flow, name: &str, endpoint: &Endpoint) -> Value {
    let organization = "{ organizations { nodes { id } } }";
    let organization = flow.api.ask(organization, json!({})).await;
    let organization = &organization["organizations"]["nodes"][0]["id"];
    let register = "mutation($input: AlgorithmRegisterInput!) { \
                    it: algorithmRegister(input: $input) \
                    { algorithm { id } userErrors { code message } } }";
    let input = json!({ "input": { "organizationId": organization, "name": name } });
    let algorithm = flow.api.done(register, input).await["algorithm"]["id"].clone();
    let url = endpoint.url(&format!("/{name}"));
    flow::publish(&flow.api, &algorithm, "1.0.0", &url).await;
    algorithm
}

/// Lets an algorithm read one topic and write to another, as its results or its dead letters.
async fn join(flow: &Flow, algorithm: &Value, from: &Value, to: &Value, dlq: Option<String>) {
    flow::grant(&flow.api, from, algorithm, "SUBSCRIBE").await;
    let listen = "mutation($input: ListenerEnableInput!) { it: listenerEnable(input: $input) \
                  { listener { id } userErrors { code message } } }";
    let settings = json!({
        "start": { "at": "EARLIEST" },
        "retry": { "initialBackoffMs": 10, "maxBackoffMs": 200 },
    });
    let access = if dlq.is_some() {
        "DEAD_LETTER"
    } else {
        "PUBLISH"
    };
    flow::grant(&flow.api, to, algorithm, access).await;
    let input = json!({ "input": {
        "topicId": from, "algorithmId": algorithm, "version": "1.*", "settings": settings,
        "dlq": dlq,
    } });
    flow.api.done(listen, input).await;
    if access == "PUBLISH" {
        let publish = "mutation($input: PublisherEnableInput!) { it: publisherEnable(input: $input) \
                       { publisher { id } userErrors { code message } } }";
        let input = json!({ "input": {
            "topicId": to, "algorithmId": algorithm, "version": "1.*",
        } });
        flow.api.done(publish, input).await;
    }
}

/// orders → score → scores → rate → ratings → file, whose dead letters go to files-dlq.
async fn chain(eventflows: &Eventflows, kafka: &Kafka, endpoint: &Endpoint) -> Flow {
    kafka.create(&["ratings", "files-dlq"], 1).await;
    let options = FlowOptions::to(endpoint.url("/score"));
    let flow = Flow::set_up(eventflows, kafka, options).await;
    let ratings = topic(&flow.api, kafka, &flow.broker, "ratings").await;
    let files = topic(&flow.api, kafka, &flow.broker, "files-dlq").await;
    let rate = register(&flow, "rate", endpoint).await;
    join(&flow, &rate, &flow.topics[1], &ratings, None).await;
    let file = register(&flow, "file", endpoint).await;
    let dlq = Some(kafka.topic("files-dlq"));
    join(&flow, &file, &ratings, &files, dlq).await;
    flow
}

const RUN: &str = "id uuid messageId correlationId decision reason failureFingerprint attemptCount \
    message { topic partition offset sentAt } algorithm { name } listener { topic { name } } \
    parent { uuid } outputs { topic state } deadLetter { topic } calledVersion \
    attempts { beganAt seconds calledVersion outcome httpStatus text counted }";

/// The workflow, once its dead letter is where it belongs.
async fn workflow(flow: &Flow, id: &Value) -> Value {
    let document = format!(
        "query($id: String!) {{ workflow(correlationId: $id) {{ correlationId truncated \
         steps {{ depth parentIndex run {{ {RUN} }} }} }} }}"
    );
    eventually("the end of the workflow", async || {
        let workflow = flow.api.ask(&document, json!({ "id": id })).await["workflow"].clone();
        let ended = &workflow["steps"][2]["run"]["deadLetter"];
        ended.is_object().then_some(workflow)
    })
    .await
}

#[tokio::test]
async fn what_a_message_sets_off_is_one_tree_over_its_topics() {
    let kafka = Kafka::from_environment();
    let endpoint = endpoint().await;
    let eventflows = Eventflows::start().await;
    let flow = chain(&eventflows, &kafka, &endpoint).await;
    kafka.produce("orders", b"{}").await;
    flow.until_ended(1, 0).await;
    let first =
        flow.look(&format!("runs {{ nodes {{ {RUN} }} }}")).await["runs"]["nodes"][0].clone();
    let workflow = workflow(&flow, &first["correlationId"]).await;
    assert_eq!(workflow["truncated"], false);
    let steps = workflow["steps"].as_array().unwrap();
    let names = ["score", "rate", "file"].map(|name| format!("acme/{name}"));
    let topics = ["orders", "scores", "ratings"].map(|name| kafka.topic(name));
    assert_eq!(steps.len(), 3, "{workflow:#}");
    for (place, step) in steps.iter().enumerate() {
        let parent = place.checked_sub(1);
        assert_eq!(step["depth"], place, "{workflow:#}");
        assert_eq!(step["parentIndex"], json!(parent));
        let run = &step["run"];
        assert_eq!(run["algorithm"]["name"], names[place]);
        assert_eq!(run["message"]["topic"], topics[place]);
        assert_eq!(run["listener"]["topic"]["name"], topics[place]);
        assert_eq!(run["correlationId"], first["correlationId"]);
        let uuid = parent.map(|parent| steps[parent]["run"]["uuid"].clone());
        assert_eq!(run["parent"]["uuid"], json!(uuid));
    }
    let [score, rate, file] = [0, 1, 2].map(|place| &steps[place]["run"]);
    let output = json!([{ "topic": topics[1], "state": "PUBLISHED" }]);
    assert_eq!(score["outputs"], output);
    assert_eq!(score["attempts"][0]["outcome"], "SUCCEEDED");
    let tried = rate["attempts"].as_array().unwrap();
    let outcomes = tried
        .iter()
        .map(|call| (&call["outcome"], &call["httpStatus"]));
    let expected = [
        (&json!("ERROR_ANSWER"), &json!(500)),
        (&json!("SUCCEEDED"), &json!(200)),
    ];
    assert_eq!(outcomes.collect::<Vec<_>>(), expected);
    assert!(
        tried[0]["text"].as_str().unwrap().contains("not yet"),
        "{rate:#}"
    );
    assert!(tried[0]["beganAt"].as_str() < tried[1]["beganAt"].as_str());
    assert!(tried[1]["seconds"].as_f64() > Some(0.0));
    assert_eq!(file["decision"], "DEAD_LETTERED");
    assert_eq!(file["deadLetter"]["topic"], kafka.topic("files-dlq"));
    assert_eq!(file["attempts"][0]["httpStatus"], 400);

    // Whoever reads the dead letter goes on with the workflow.
    let dead = &kafka.until_records("files-dlq", 1).await[0];
    let trace = dead.header("traceparent");
    assert!(
        trace.contains(first["correlationId"].as_str().unwrap()),
        "{trace}"
    );
    assert_eq!(
        dead.header("eventflows-run-id"),
        file["uuid"].as_str().unwrap()
    );
}

#[tokio::test]
async fn a_trace_of_the_sender_is_the_id_of_the_workflow_and_runs_are_found_by_what_they_are() {
    let kafka = Kafka::from_environment();
    let endpoint = endpoint().await;
    let eventflows = Eventflows::start().await;
    let flow = chain(&eventflows, &kafka, &endpoint).await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    let headers = [("traceparent", parent.as_str())];
    kafka.produce_with("orders", None, &headers, b"{}").await;
    let workflow = workflow(&flow, &json!(trace)).await;
    let file = &workflow["steps"][2]["run"];
    let document = "query($filter: RunFilterInput) { runs(filter: $filter) { incomplete \
                    nodes { uuid } pageInfo { hasNextPage } } }";
    for (filter, count) in [
        (json!({}), 3),
        (json!({ "correlationId": trace }), 3),
        (json!({ "decisions": ["DEAD_LETTERED"] }), 1),
        (
            json!({ "failureFingerprints": [file["failureFingerprint"]] }),
            1,
        ),
        (json!({ "messageId": file["messageId"] }), 1),
        (json!({ "minAttemptCount": 2 }), 1),
        (json!({ "undecided": true }), 0),
        (json!({ "reasons": ["ATTEMPTS_EXHAUSTED"] }), 0),
        (json!({ "algorithmIds": [flow.algorithm] }), 1),
        (
            json!({ "listenerIds": [flow.listener], "calledVersions": ["1.0.0"] }),
            1,
        ),
        (
            json!({ "listenerIds": [flow.listener], "reasons": ["REFUSED"] }),
            0,
        ),
        (json!({ "claimedBefore": "2020-01-01T00:00:00Z" }), 0),
        (json!({ "claimedFrom": "2020-01-01T00:00:00Z" }), 3),
        (json!({ "uuids": [file["uuid"]] }), 1),
    ] {
        let runs = flow.api.ask(document, json!({ "filter": filter })).await["runs"].clone();
        let nodes = runs["nodes"].as_array().unwrap();
        assert_eq!(nodes.len(), count, "{filter}: {runs}");
        assert_eq!(
            (&runs["incomplete"], &runs["pageInfo"]["hasNextPage"]),
            (&json!(false), &json!(false))
        );
    }
    let by_id = "query($id: ID!) { run(id: $id) { uuid } }";
    let found = flow.api.ask(by_id, json!({ "id": file["id"] })).await;
    assert_eq!(found["run"]["uuid"], file["uuid"]);

    let page = "query($last: Int, $before: String, $first: Int, $after: String) { \
                runs(first: $first, after: $after, last: $last, before: $before) { nodes { uuid } \
                pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
    let newest = flow.api.ask(page, json!({ "first": 2 })).await["runs"].clone();
    assert_eq!(newest["nodes"][0]["uuid"], file["uuid"]);
    assert_eq!(newest["pageInfo"]["hasNextPage"], true);
    let after = json!({ "first": 2, "after": newest["pageInfo"]["endCursor"] });
    let oldest = flow.api.ask(page, after).await["runs"].clone();
    assert_eq!(oldest["nodes"].as_array().unwrap().len(), 1);
    let before = json!({ "last": 2, "before": oldest["pageInfo"]["startCursor"] });
    let back = flow.api.ask(page, before).await["runs"].clone();
    assert_eq!(back["nodes"], newest["nodes"]);
    assert_eq!(back["pageInfo"]["hasPreviousPage"], false);
}
