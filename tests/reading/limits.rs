//! A request beyond the limits is refused before anything is done for it: no statement is sent to a
//! database, and the answer is short.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::run::{BoxFuture, DirectError, DirectRun, DirectRunner, StartedRun};
use domain::testing::user;
use eventflows_http::{HttpSettings, Readiness};
use http::StatusCode;
use serde_json::{Value, json};
use tests::GraphQl;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::counter::Alone;
use crate::inventory::Inventory;

/// The longest answer to what is refused, in bytes.
const LONGEST_REFUSAL: usize = 16 * 1024;

/// The HTTP server over an inventory, until it is dropped.
struct Served {
    inventory: Inventory,
    api: GraphQl,
    _stop: tokio_util::sync::DropGuard,
}

impl Served {
    async fn start() -> Self {
        let inventory = Inventory::of(3).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/graphql", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let settings = HttpSettings {
            actor: user("test"),
            graphiql: None,
            public_url: None,
            readiness: Readiness::default(),
            runner: Arc::new(Nobody),
            shutdown: stop.clone(),
        };
        let schema = inventory.schema.clone();
        tokio::spawn(eventflows_http::serve(listener, schema, settings));
        Self {
            inventory,
            api: GraphQl::new(&url),
            _stop: stop.drop_guard(),
        }
    }
}

/// Makes no runs: none is asked for here.
struct Nobody;

impl DirectRunner for Nobody {
    fn start(&self, _run: DirectRun) -> BoxFuture<'_, Result<StartedRun, DirectError>> {
        Box::pin(async { Err(DirectError::Crowded) })
    }
}

fn numbered(text: &str, times: usize) -> String {
    (0..times)
        .map(|number| text.replace('#', &number.to_string()))
        .collect()
}

/// Each fragment holds the next, twice or more.
fn fan_out(levels: usize, width: usize) -> String {
    let fragment = |level: usize| {
        let next = format!("...F{} ", level + 1).repeat(width);
        format!("fragment F{level} on Query {{ {next} }} ")
    };
    let fragments: String = (0..levels).map(fragment).collect();
    format!(
        "{{ ...F0 }} {fragments} fragment F{levels} on Query {{ listeners {{ nodes {{ id }} }} }}"
    )
}

/// Documents beyond a limit, with the code that each is refused by.
fn documents() -> Vec<(&'static str, String, &'static str)> {
    let too_complex = "TOO_COMPLEX";
    let deep = "listeners { nodes { algorithm { ".repeat(8);
    let types = "fields { type { ".repeat(6);
    vec![
        ("a long text", format!("{{ __typename }} #{}", "x".repeat(100_000)), too_complex),
        ("100,000 brackets", "[".repeat(100_000), too_complex),
        ("30,000 brackets", format!("{{ node(id: {}", "[".repeat(30_000)), too_complex),
        ("aliases", format!("{{ {} }}", numbered("a#: __typename ", 2_000)), too_complex),
        ("root fields", format!("{{ {} }}", "listeners { nodes { id } } ".repeat(11)), too_complex),
        ("directives", format!("{{ __typename {} }}", "@skip(if: false) ".repeat(1_500)), too_complex),
        ("variables", format!("query({}) {{ __typename }}", numbered("$a#: Int ", 2_000)), too_complex),
        ("operations", numbered("query A# { __typename } ", 1_000), too_complex),
        ("fragments", format!("{{ __typename }} {}", numbered("fragment F# on Query { a } ", 900)), too_complex),
        ("depth", format!("{{ organizations {{ nodes {{ {deep} id {} }} }} }}", "} ".repeat(24)), too_complex),
        ("a fan-out, deep", fan_out(22, 2), too_complex),
        ("a fan-out, wide", fan_out(12, 40), too_complex),
        ("a cycle", "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }".to_owned(), too_complex),
        (
            "a costly list",
            "{ organizations(first: 100) { nodes { algorithms(first: 100) { nodes { id name retired description } } } } }".to_owned(),
            too_complex,
        ),
        ("an introspection bomb", format!("{{ __schema {{ types {{ {types} name {} }} }} }}", "} ".repeat(12)), too_complex),
        ("unknown fields", format!("{{ {} }}", numbered("unknown#\n", 9)), "INVALID_ARGUMENT"),
        ("no document", "}".repeat(30_000), "INVALID_ARGUMENT"),
    ]
}

#[tokio::test]
async fn documents_beyond_a_limit_cost_no_statement_and_a_short_answer() {
    let alone = Alone::in_process().await;
    let served = Served::start().await;
    let before = alone.statements();
    for (name, document, code) in documents() {
        let body = json!({ "query": document }).to_string();
        let (status, text) = served.api.post(body, &[]).await;
        assert_eq!(status, StatusCode::OK, "{name}: {text}");
        assert!(
            text.len() <= LONGEST_REFUSAL,
            "{name}: {} bytes",
            text.len()
        );
        let answer: Value = serde_json::from_str(&text).unwrap();
        let errors = answer["errors"].as_array().unwrap();
        assert!((1..=10).contains(&errors.len()), "{name}: {}", errors.len());
        assert_eq!(errors[0]["extensions"]["code"], code, "{name}: {answer}");
        assert_eq!(answer["data"], Value::Null, "{name}");
    }
    assert_eq!(alone.statements(), before, "refusals cost statements");
    let document = "{ listeners { nodes { id } } }";
    served.api.ask(document, json!({})).await;
    assert!(alone.statements() > before, "statements are not counted");
}

#[tokio::test]
async fn bodies_beyond_a_limit_are_refused_before_they_are_parsed() {
    let alone = Alone::in_process().await;
    let served = Served::start().await;
    let before = alone.statements();
    let ask = json!({ "query": "{ listeners { nodes { id } } }" });
    let variables = numbered("\"a#\":1,", 60);
    let padding = " ".repeat(128 * 1024);
    let gzip = "\u{1f}\u{8b}".to_owned();
    for (name, body, expected) in [
        (
            "too large",
            format!("{ask}{padding}"),
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
        (
            "an array",
            json!([ask]).to_string(),
            StatusCode::BAD_REQUEST,
        ),
        ("nested", "[".repeat(100_000), StatusCode::BAD_REQUEST),
        ("compressed", gzip, StatusCode::BAD_REQUEST),
        (
            "many values",
            format!(
                "{{\"query\":\"{{listeners{{nodes{{id}}}}}}\",\"variables\":{{{variables}\"b\":1}}}}"
            ),
            StatusCode::OK,
        ),
    ] {
        let (status, text) = served.api.post(body, &[]).await;
        assert_eq!(status, expected, "{name}: {text}");
        assert!(text.len() <= LONGEST_REFUSAL, "{name}");
        assert!(text.contains("\"errors\""), "{name}: {text}");
    }
    assert_eq!(alone.statements(), before);
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_dropped_and_told() {
    let _alone = Alone::in_process().await;
    let inventory = Inventory::of(3).await;
    inventory.runs.stuck.store(true, Ordering::SeqCst);
    let document = "{ listeners { nodes { ledger { received } } } }";
    let (schema, runs) = (inventory.schema.clone(), inventory.runs.clone());
    let asking = tokio::spawn(async move {
        let principal = api::Principal {
            actor: user("test"),
            client_address: None,
        };
        schema.execute_json(document, json!({}), principal).await
    });
    tests::eventually("the journal is asked", async || {
        (runs.asked() > 0).then_some(())
    })
    .await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    let late = asking.await.unwrap().unwrap_err();
    assert!(late.to_string().contains("no answer within 10 s"), "{late}");
    assert_eq!(runs.asked(), 0, "the work goes on");
}

#[tokio::test]
async fn more_requests_than_are_executed_at_once_are_refused_at_once() {
    let alone = Alone::in_process().await;
    let served = Served::start().await;
    served.inventory.runs.stuck.store(true, Ordering::SeqCst);
    let stuck = json!({ "query": "{ listeners(first: 1) { nodes { ledger { received } } } }" });
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..256 {
        let (api, body) = (served.api.clone(), stuck.to_string());
        waiting.spawn(async move { api.post(body, &[]).await });
    }
    let runs = &served.inventory.runs;
    tests::eventually("all are under way", async || {
        (runs.asked() == 256).then_some(())
    })
    .await;
    let before = alone.statements();
    let (status, text) = served.api.post(stuck.to_string(), &[]).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(text.contains("UNAVAILABLE"), "{text}");
    assert_eq!(alone.statements(), before);
    waiting.shutdown().await;
    // Who goes away leaves nothing behind.
    tests::eventually("their work has ended", async || {
        (runs.asked() == 0).then_some(())
    })
    .await;
}
