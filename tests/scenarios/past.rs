//! Every query answers as of an earlier moment what it answered then.

use serde_json::{Value, json};
use tests::flow::{publish, withdraw};
use tests::{Endpoint, Eventflows, Flow, FlowOptions, GraphQl, Kafka, RandomCommands};

/// Commands between two moments that are remembered, and moments.
const STEPS: usize = 8;
const MOMENTS: usize = 8;

const EVERYTHING: &str = "query($search: String!, $asOf: AsOf) { \
    organizations(first: 30, asOf: $asOf) { nodes { id members(first: 10) { nodes { name role roleSince } } } } \
    algorithms(first: 30, asOf: $asOf) { nodes { id retired versions(first: 10) { nodes { id withdrawn } } \
    grants(first: 20) { nodes { id } } } } \
    brokers(first: 4, asOf: $asOf) { nodes { id counts { grants listeners publishers } \
    disconnectPreview { grants firstListeners { id } } topics(filter: { search: $search }) { nodes { id name \
    counts { subscribeGrants publishGrants listeners publishers } } } } } \
    grants(first: 100, asOf: $asOf) { nodes { id grantedAt grantee { __typename } } } \
    listeners(first: 100, asOf: $asOf) { nodes { id enabled paused versionSelector problem { code } deadLetterTopic { name } revision \
    resolvedVersion { version } consumers(first: 4) { nodes { state stateSince } } broker { name } } } \
    publishers(first: 100, asOf: $asOf) { nodes { id enabled versionSelector algorithm { name } } } \
    organizationByName(name: \"acme\", asOf: $asOf) { id } \
    algorithmByName(name: \"acme/score\", asOf: $asOf) { id } \
    brokerByName(name: \"main\", asOf: $asOf) { id } }";

/// What was answered when the log ended there.
struct Remembered {
    position: String,
    answer: Value,
}

async fn position(api: &GraphQl) -> String {
    let answer = api.ask("{ position }", json!({})).await;
    answer["position"].as_str().unwrap().to_owned()
}

/// An answer of the present, with the position that all of it is of: workers report meanwhile.
async fn remember(api: &GraphQl, search: &str) -> Remembered {
    loop {
        let before = position(api).await;
        let answer = api.ask(EVERYTHING, json!({ "search": search })).await;
        if position(api).await == before {
            return Remembered {
                position: before,
                answer,
            };
        }
    }
}

async fn answers_again(api: &GraphQl, search: &str, remembered: &[Remembered]) {
    for Remembered { position, answer } in remembered {
        let recorded = "query($at: AsOf, $after: Position) { \
                        events(asOf: $at, after: $after, order: ASCENDING) { nodes { position recordedAt } } }";
        let at = json!({ "position": position });
        let before = (position.parse::<u64>().unwrap() - 1).to_string();
        let last = api
            .ask(recorded, json!({ "at": at, "after": before }))
            .await;
        let events = last["events"]["nodes"].as_array().unwrap();
        assert_eq!(events.len(), 1, "the log ends at the moment");
        assert_eq!(events[0]["position"], json!(position));
        let time = json!({ "time": events[0]["recordedAt"] });
        for as_of in [at, time] {
            let variables = json!({ "search": search, "asOf": as_of });
            let again = api.ask(EVERYTHING, variables).await;
            assert_eq!(again, *answer, "{as_of}");
        }
    }
}

#[tokio::test]
async fn a_query_as_of_a_moment_answers_what_it_answered_then_also_after_a_restart() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    let search = kafka.topic("");
    let mut commands = RandomCommands::over(&flow, &kafka, 5).await;
    let mut remembered = Vec::new();
    for _ in 0..MOMENTS {
        for _ in 0..STEPS {
            commands.step(&flow.api).await;
        }
        remembered.push(remember(&flow.api, &search).await);
    }
    let mut answers: Vec<&Value> = remembered.iter().map(|moment| &moment.answer).collect();
    answers.dedup();
    assert!(answers.len() > MOMENTS / 2, "most moments differ");
    answers_again(&flow.api, &search, &remembered).await;
    two_moments_in_one_request(&flow.api, &remembered).await;
    what_no_moment_is(&flow.api).await;
    a_difference(&flow.api, &flow.algorithm).await;
    let eventflows = eventflows.kill_and_restart().await;
    answers_again(&eventflows.api(), &search, &remembered).await;
}

async fn two_moments_in_one_request(api: &GraphQl, remembered: &[Remembered]) {
    let (first, last) = (&remembered[0], &remembered[remembered.len() - 1]);
    let document = "query($first: AsOf, $last: AsOf) { \
                    first: grants(first: 100, asOf: $first) { nodes { id } } \
                    last: grants(first: 100, asOf: $last) { nodes { id } } }";
    let at = |moment: &Remembered| json!({ "position": moment.position });
    let variables = json!({ "first": at(first), "last": at(last) });
    let answer = api.ask(document, variables).await;
    for (alias, moment) in [("first", first), ("last", last)] {
        let grants = moment.answer["grants"]["nodes"].as_array().unwrap().iter();
        let ids: Vec<Value> = grants.map(|grant| json!({ "id": grant["id"] })).collect();
        assert_eq!(answer[alias]["nodes"], json!(ids), "{alias}");
    }
}

async fn what_no_moment_is(api: &GraphQl) {
    let list = "query($asOf: AsOf) { brokers(asOf: $asOf) { nodes { id } } }";
    for (as_of, text) in [
        (json!({ "position": "999999" }), "in the future"),
        (json!({ "position": "0" }), "before the log"),
    ] {
        let answer = api.answer(list, json!({ "asOf": as_of })).await;
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "INVALID_ARGUMENT");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(text), "{message}");
    }
    for as_of in [
        json!({}),
        json!({ "position": "1", "time": "2026-01-01T00:00:00Z" }),
    ] {
        let answer = api.answer(list, json!({ "asOf": as_of })).await;
        assert_eq!(
            answer["errors"][0]["extensions"]["code"],
            "INVALID_ARGUMENT"
        );
    }
    let long_ago = json!({ "asOf": { "time": "2001-01-01T00:00:00Z" } });
    let answer = api.ask(list, long_ago).await;
    assert_eq!(answer["brokers"]["nodes"], json!([]));
}

/// A version comes and goes between two moments.
async fn a_difference(api: &GraphQl, algorithm: &Value) {
    let before = json!({ "position": position(api).await });
    let version = publish(api, algorithm, "9.9.9", "http://127.0.0.1:9/").await;
    let between = json!({ "position": position(api).await });
    withdraw(api, algorithm, "9.9.9").await;

    let diff = "query($of: ID!, $from: AsOf!, $to: AsOf) { diff(of: $of, from: $from, to: $to) { \
                before { id } after { id } fields { name before after } \
                events(first: 5) { nodes { type summary } } } }";
    let whole = api
        .ask(diff, json!({ "of": version, "from": before }))
        .await["diff"]
        .clone();
    assert_eq!(whole["before"], Value::Null);
    assert_eq!(whole["after"]["id"], version);
    let types = whole["events"]["nodes"].as_array().unwrap().iter();
    let types: Vec<&Value> = types.map(|event| &event["type"]).collect();
    assert_eq!(types, ["VERSION_PUBLISHED", "VERSION_WITHDRAWN"]);
    let named = |name: &str| {
        let mut fields = whole["fields"].as_array().unwrap().iter();
        fields.find(|field| field["name"] == name).unwrap().clone()
    };
    let endpoint = json!({ "name": "endpoint", "before": null, "after": "http://127.0.0.1:9/" });
    assert_eq!(named("endpoint"), endpoint);

    let variables = json!({ "of": version, "from": between });
    let half = api.ask(diff, variables.clone()).await["diff"].clone();
    let fields = half["fields"].as_array().unwrap().iter();
    let names: Vec<&Value> = fields.map(|field| &field["name"]).collect();
    assert_eq!(names, ["withdrawn", "withdrawnAt", "withdrawnReason"]);
    assert_eq!(half["fields"][0]["before"], false);
    assert_eq!(half["events"]["nodes"].as_array().unwrap().len(), 1);

    let backwards = json!({ "of": version, "from": between, "to": before });
    for variables in [backwards, json!({ "of": "x", "from": before })] {
        let answer = api.answer(diff, variables).await;
        let code = &answer["errors"][0]["extensions"]["code"];
        assert_eq!(code, "INVALID_ARGUMENT");
    }
}
