//! The inventory as it was in the middle of the log: cold, and near a moment that was just seen.

use std::time::Instant;

use serde_json::{Value, json};

use super::load::Http;

const TAKES_AS_OF: &str = "{ __type(name: \"Query\") { fields { name args { name } } } }";

const AS_OF: &str = "query($position: Position!) { \
                     brokers(first: 10, asOf: { position: $position }) { nodes { name } } }";

/// How far from the cold moment the near one is, in events.
const NEAR: u64 = 1_000;

pub(super) async fn run(url: &str, events: u64) {
    let http = Http::new(url);
    if !takes_as_of(&http).await {
        println!("asOf: this server's queries do not take it");
        return;
    }
    for (what, position) in [
        ("cold", events / 2),
        ("again", events / 2),
        ("nearby", events / 2 + NEAR),
    ] {
        let variables = json!({ "position": position.to_string() });
        let body = json!({ "query": AS_OF, "variables": variables }).to_string();
        let start = Instant::now();
        let answer = http.post(body).await;
        let took = start.elapsed();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert!(answer["errors"].is_null(), "{answer}");
        println!("asOf position {position}, {what}: {took:.2?}");
    }
}

async fn takes_as_of(http: &Http) -> bool {
    let answer = http.post(json!({ "query": TAKES_AS_OF }).to_string()).await;
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    let fields = answer["data"]["__type"]["fields"].as_array().unwrap();
    let brokers = fields.iter().find(|field| field["name"] == "brokers");
    let args = brokers.unwrap()["args"].as_array().unwrap();
    args.iter().any(|arg| arg["name"] == "asOf")
}
