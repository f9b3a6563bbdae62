//! docs/api.md: every example in it, in order, against the real binary.

use std::collections::BTreeMap;
use std::process::Stdio;

use serde_json::{Value, json};
use tests::guide::{self, Code, Example};
use tests::{Endpoint, Eventflows, Kafka, eventually, flow};
use tokio::process::Command;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/api.md");

/// The server that the page speaks of.
const AUTHORITY: &str = "127.0.0.1:8080";

#[tokio::test]
async fn every_example_of_the_guide_is_answered_as_it_says() {
    let eventflows = Eventflows::start().await;
    let kafka = Kafka::from_environment();
    kafka.create(&flow::TOPICS, 4).await;
    let endpoint = Endpoint::echo().await;
    let mut known: BTreeMap<String, Value> = [
        ("servers", json!([kafka.address()])),
        ("endpoint", json!(endpoint.url("/score"))),
        ("orders", json!(kafka.topic("orders"))),
        ("deadLetters", json!(kafka.topic("orders-dlq"))),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let page = std::fs::read_to_string(PAGE).unwrap();
    let examples = guide::examples(&page);
    assert!(examples.len() > 15, "{} examples", examples.len());
    for example in examples {
        let answer = answer(&eventflows, &example, &known).await;
        guide::collect(&answer["data"], "", &mut known);
        let line = example.line;
        match &example.answer {
            Some(shown) => guide::same_shape(shown, &answer, "answer")
                .unwrap_or_else(|fault| panic!("docs/api.md:{line}: {fault}")),
            None => assert!(is_done(&answer), "docs/api.md:{line}: {answer}"),
        }
    }
}

/// Whether an answer has no errors, and its mutations none either.
fn is_done(answer: &Value) -> bool {
    let fields = answer["data"].as_object().into_iter().flatten();
    let mut refusals = fields.filter_map(|(_, payload)| payload["userErrors"].as_array());
    answer["errors"].is_null() && refusals.all(Vec::is_empty)
}

/// What an example is answered. A variable that an earlier answer or this test knows has the value
/// from there.
async fn answer(
    eventflows: &Eventflows,
    example: &Example,
    known: &BTreeMap<String, Value>,
) -> Value {
    match &example.code {
        Code::GraphQl(document) => {
            let mut variables = example.variables.clone();
            for name in guide::declared(document) {
                if let Some(value) = known.get(&name) {
                    variables[name] = value.clone();
                }
            }
            if document.starts_with("subscription") {
                let mut items = eventflows.api().subscribe(document, variables).await;
                return json!({ "data": items.next().await });
            }
            ask(eventflows, document, variables).await
        }
        Code::Shell(command) => shell(&command.replace(AUTHORITY, eventflows.authority())).await,
    }
}

/// The answer, once a worker is there for those that need one.
async fn ask(eventflows: &Eventflows, document: &str, variables: Value) -> Value {
    eventually("a worker", async || {
        let answer = eventflows.api().answer(document, variables.clone()).await;
        (!answer.to_string().contains("NO_WORKER")).then_some(answer)
    })
    .await
}

/// What a command prints.
async fn shell(command: &str) -> Value {
    let mut sh = Command::new("sh");
    let output = sh.args(["-c", command]).stdin(Stdio::null()).output().await;
    let output = output.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{command}: {text}");
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{command}: {text}"))
}
