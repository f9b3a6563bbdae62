//! What real model servers answered, and what becomes of it with the transforms that their guide shows.

mod presets;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use brokers::{Metadata, Outgoing};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use crate::endpoint::{Answer, Call};
use crate::world::{World, body, header};

const GUIDE: &str = include_str!("../../../docs/model-servers.md");

const BENTOML: &str = include_str!("model_servers/bentoml.json");
const KSERVE_V1: &str = include_str!("model_servers/kserve-v1.json");
const KSERVE_V2: &str = include_str!("model_servers/kserve-v2.json");
const LITSERVE: &str = include_str!("model_servers/litserve.json");
const MLFLOW: &str = include_str!("model_servers/mlflow.json");
const MLSERVER: &str = include_str!("model_servers/mlserver.json");
const TORCHSERVE: &str = include_str!("model_servers/torchserve.json");
const TRITON: &str = include_str!("model_servers/triton.json");

/// What recordings have in place of the run id.
const RUN: &str = "RUN";

/// Good messages after each one: a faulty message is told from an outage by the others.
const NEIGHBOURS: usize = 3;

/// The exchanges with one server.
#[derive(Deserialize)]
struct Recording {
    /// The heading of its part of the guide.
    section: String,
    /// Its name and version.
    server: String,
    path: String,
    request_headers: BTreeMap<String, String>,
    exchanges: Vec<Exchange>,
}

/// What became of one message.
#[derive(Deserialize)]
struct Exchange {
    name: String,
    message: String,
    /// None where the message never reached the server.
    request: Option<String>,
    answer: Option<Answered>,
    result: Option<String>,
    dead_letter: Option<DeadLetter>,
}

#[derive(Deserialize)]
struct Answered {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

#[derive(Deserialize)]
struct DeadLetter {
    reason: String,
    text: String,
}

#[tokio::test]
async fn bentoml_gets_and_answers_what_was_recorded() {
    replay(BENTOML).await;
}

#[tokio::test]
async fn kserve_gets_and_answers_what_was_recorded_in_both_protocols() {
    replay(KSERVE_V1).await;
    replay(KSERVE_V2).await;
}

#[tokio::test]
async fn litserve_gets_and_answers_what_was_recorded() {
    replay(LITSERVE).await;
}

#[tokio::test]
async fn mlflow_gets_and_answers_what_was_recorded() {
    replay(MLFLOW).await;
}

#[tokio::test]
async fn mlserver_gets_and_answers_what_was_recorded() {
    replay(MLSERVER).await;
}

#[tokio::test]
async fn torchserve_gets_and_answers_what_was_recorded() {
    replay(TORCHSERVE).await;
}

#[tokio::test]
async fn triton_gets_and_answers_what_was_recorded() {
    replay(TRITON).await;
}

#[test]
fn the_guide_shows_what_was_recorded() {
    for recording in [
        BENTOML, KSERVE_V1, KSERVE_V2, LITSERVE, MLFLOW, MLSERVER, TORCHSERVE, TRITON,
    ] {
        let recording = Recording::read(recording);
        let section = recording.guide();
        assert!(section.contains(&recording.server), "{}", recording.server);
        let endpoint = setting(section, "endpoint");
        assert!(endpoint.ends_with(&recording.path), "{endpoint}");
        let first = &recording.exchanges[0];
        let answer = first.answer.as_ref().unwrap();
        for shown in [first.request.as_ref().unwrap(), &answer.body] {
            assert!(section.contains(shown), "{}: {shown}", recording.section);
        }
        if recording.section == "MLflow" {
            // The whole file at the top is for the server that comes first.
            for name in ["endpoint", "request", "result"] {
                assert_eq!(setting(GUIDE, name), setting(section, name));
            }
        }
        for exchange in &recording.exchanges {
            let row = exchange.row();
            assert!(section.contains(&row), "{}: {row}", recording.section);
        }
    }
}

/// Has a worker take the recorded messages through an endpoint that answers as the server did.
async fn replay(recording: &'static str) {
    let recording = Arc::new(Recording::read(recording));
    let server = Arc::clone(&recording);
    let world = World::new(move |_, body: &Bytes| server.answer(body)).await;
    let messages = recording.messages();
    for message in &messages {
        world.broker.copy(message, "orders");
    }
    let section = recording.guide();
    world.assign(|assignment| {
        let settings = &mut assignment["settings"];
        settings["transform"] = json!({
            "request": setting(section, "request"),
            "result": setting(section, "result"),
        });
    });
    let worker = world.worker().await;
    world.settled(messages.len()).await;
    let (results, dead) = (
        world.broker.messages("scores"),
        world.broker.messages("dead"),
    );
    assert_eq!(results.len() + dead.len(), messages.len());
    for exchange in &recording.exchanges {
        exchange.assert_became(&results, &dead);
    }
    {
        let calls = world.endpoint.as_ref().unwrap().calls.lock().unwrap();
        recording.assert_sent(&calls);
    }
    worker.stop().await;
}

impl Recording {
    fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap()
    }

    /// Its part of the guide.
    fn guide(&self) -> &'static str {
        let heading = format!("\n## {}\n", self.section);
        let (_, section) = GUIDE.split_once(&heading).unwrap();
        section.split("\n## ").next().unwrap()
    }

    /// The recorded messages, with good ones after each.
    fn messages(&self) -> Vec<Outgoing> {
        let good = &self.exchanges[0];
        let exchanges = self.exchanges.iter().flat_map(|exchange| {
            let neighbours = std::iter::repeat_n(good, NEIGHBOURS);
            std::iter::once(exchange).chain(neighbours)
        });
        exchanges.map(Exchange::message).collect()
    }

    fn answer(&self, body: &Bytes) -> Answer {
        let sent = without_run(body);
        let mut exchanges = self.exchanges.iter();
        let Some(exchange) = exchanges.find(|exchange| exchange.request.as_ref() == Some(&sent))
        else {
            return Answer::from((418, Bytes::from_static(b"nothing was recorded")));
        };
        let answered = exchange.answer.as_ref().unwrap();
        let headers = answered.headers.iter();
        Answer {
            status: answered.status,
            headers: headers
                .map(|(name, value)| (name.parse().unwrap(), value.clone()))
                .collect(),
            body: answered.body.clone().into(),
        }
    }

    fn assert_sent(&self, calls: &[Call]) {
        let sent: BTreeSet<_> = calls.iter().map(|call| without_run(&call.body)).collect();
        let recorded = self.exchanges.iter();
        let recorded = recorded.filter_map(|exchange| exchange.request.clone());
        assert_eq!(sent, recorded.collect(), "{}", self.server);
        for call in calls {
            let run = call.headers["idempotency-key"].to_str().unwrap();
            for (name, value) in &self.request_headers {
                let sent = call.headers[name].to_str().unwrap();
                assert_eq!(sent.replace(run, RUN), *value, "{}: {name}", self.server);
            }
        }
    }
}

impl Exchange {
    fn message(&self) -> Outgoing {
        Outgoing {
            topic: String::new(),
            key: Some(self.name.clone().into()),
            headers: Vec::new(),
            metadata: Metadata::default(),
            body: Some(self.message.clone().into()),
        }
    }

    fn assert_became(&self, results: &[Outgoing], dead: &[Outgoing]) {
        let is_mine = |message: &&Outgoing| message.key.as_ref().unwrap() == self.name.as_bytes();
        let results: Vec<_> = results.iter().filter(is_mine).collect();
        let dead: Vec<_> = dead.iter().filter(is_mine).collect();
        assert_eq!(results.is_empty(), self.result.is_none(), "{}", self.name);
        assert_eq!(dead.is_empty(), self.dead_letter.is_none(), "{}", self.name);
        for result in results {
            assert_eq!(Some(body(result)), self.result.clone().map(Bytes::from));
            assert_eq!(header(result, "content-type"), "application/json");
        }
        for (dead, recorded) in dead.iter().zip(&self.dead_letter) {
            assert_eq!(header(dead, "eventflows-reason"), recorded.reason);
            let text = header(dead, "eventflows-reason-text");
            assert!(text.ends_with(&recorded.text), "{}: {text}", self.name);
        }
    }

    /// Its row in the guide.
    fn row(&self) -> String {
        let answer = match &self.answer {
            Some(answer) => answer.status.to_string(),
            None => "is not asked".to_owned(),
        };
        let became = match &self.dead_letter {
            Some(dead) => format!("`{}`", dead.reason),
            None => "a result".to_owned(),
        };
        format!("| {} | {answer} | {became} |", self.name)
    }
}

/// A setting in a document's YAML, where it stands on a line of its own.
fn setting<'g>(section: &'g str, name: &str) -> &'g str {
    let mut lines = section.lines().map(str::trim);
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    value.unwrap().trim_matches('"')
}

/// A request with the word of the recordings in place of its run id.
fn without_run(body: &Bytes) -> String {
    let text = String::from_utf8_lossy(body);
    let id = serde_json::from_slice::<serde_json::Value>(body);
    match id
        .ok()
        .and_then(|body| Some(body.get("id")?.as_str()?.to_owned()))
    {
        Some(run) => text.replace(&run, RUN),
        None => text.into_owned(),
    }
}
