//! What presets set for model servers.

use std::sync::Arc;

use bytes::Bytes;
use domain::ModelServer;
use domain::listener::Transform;
use serde_json::{Value, json};

use super::{
    BENTOML, Exchange, GUIDE, KSERVE_V1, KSERVE_V2, LITSERVE, MLFLOW, MLSERVER, Recording,
    TORCHSERVE, TRITON, without_run,
};
use crate::world::{World, body};

#[tokio::test]
async fn presets_send_and_read_what_was_recorded() {
    for (server, recording, form) in [
        (ModelServer::BentoMl, BENTOML, Form::Whole),
        (
            ModelServer::KserveV1,
            KSERVE_V1,
            Form::Item("/predictions/0"),
        ),
        (
            ModelServer::TfServing,
            KSERVE_V1,
            Form::Item("/predictions/0"),
        ),
        (ModelServer::KserveV2, KSERVE_V2, Form::Tensors),
        (ModelServer::LitServe, LITSERVE, Form::Item("/output")),
        (ModelServer::MlFlow, MLFLOW, Form::Item("/predictions/0")),
        (ModelServer::MlServer, MLSERVER, Form::Tensors),
        (ModelServer::TorchServe, TORCHSERVE, Form::Whole),
        (ModelServer::Triton, TRITON, Form::Tensors),
    ] {
        replay_preset(server, recording, form).await;
    }
}

#[test]
fn the_guide_shows_every_preset() {
    let (_, section) = GUIDE.split_once("\n## Presets\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    for server in ModelServer::ALL {
        let name = json!(server);
        let Transform { request, result } = server.transform();
        let timeout = server
            .timeout_ms()
            .map_or(String::new(), |ms| ms.to_string());
        let batches = if server.batches_callers() {
            "yes"
        } else {
            "no"
        };
        let row = format!(
            "| `{}` | `{}` | `{}` | {timeout} | {batches} |",
            name.as_str().unwrap(),
            request.unwrap(),
            result.unwrap(),
        );
        assert!(section.contains(&row.replace("|  |", "| |")), "{row}");
    }
}

/// How the messages of a preset are related to what is sent, and results to what is answered.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// Both are as they are.
    Whole,
    /// The message is wrapped, and the result is at that place of the answer.
    Item(&'static str),
    /// The message has the tensors that are sent, and the result those that are answered.
    Tensors,
}

impl Form {
    /// A message that is sent as was recorded.
    fn message(self, exchange: &Exchange) -> Option<String> {
        let request = exchange.request.as_ref()?;
        Some(match self {
            Self::Whole => request.clone(),
            Self::Item(_) => exchange.message.clone(),
            Self::Tensors => request.replace(r#""id":"RUN","#, ""),
        })
    }

    /// What an answer comes to.
    fn result(self, answer: &str) -> Value {
        let answer: Value = serde_json::from_str(answer).unwrap();
        match self {
            Self::Whole => answer,
            Self::Item(place) => answer.pointer(place).unwrap().clone(),
            Self::Tensors => answer["outputs"].clone(),
        }
    }
}

/// Has a worker take good recorded messages through the preset.
async fn replay_preset(server: ModelServer, recording: &'static str, form: Form) {
    let recording = Arc::new(Recording::read(recording));
    let answering = Arc::clone(&recording);
    let world = World::new(move |_, body: &Bytes| answering.answer(body)).await;
    let good = |exchange: &&Exchange| exchange.result.is_some();
    let exchanges: Vec<_> = recording.exchanges.iter().filter(good).collect();
    for exchange in &exchanges {
        let message = form.message(exchange).unwrap();
        world.broker.write("orders", &[], message.as_bytes());
    }
    world.assign(|assignment| {
        assignment["settings"]["transform"] = json!(server.transform());
        assignment["settings"]["concurrency"] = json!(1);
    });
    let worker = world.worker().await;
    world.settled(exchanges.len()).await;
    let results = world.broker.messages("scores");
    let results = results
        .iter()
        .map(|result| serde_json::from_slice(&body(result)).unwrap());
    let results: Vec<Value> = results.collect();
    let expected = exchanges
        .iter()
        .map(|exchange| form.result(&exchange.answer.as_ref().unwrap().body));
    assert_eq!(results, expected.collect::<Vec<_>>(), "{server:?}");
    let sent: Vec<_> = {
        let calls = world.endpoint.as_ref().unwrap().calls.lock().unwrap();
        calls.iter().map(|call| without_run(&call.body)).collect()
    };
    for (sent, exchange) in sent.into_iter().zip(&exchanges) {
        assert_eq!(Some(sent), exchange.request, "{server:?}");
    }
    worker.stop().await;
}
