//! A control plane that the test plays.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use domain::Outputs;
use futures_util::stream::{self, BoxStream, StreamExt};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use workers::{Transport, TransportError};

pub(crate) const BROKER: &str = "00000000-0000-0000-0000-000000000001";

/// The broker that takes over from it.
pub(crate) const SUCCESSOR: &str = "0d9d0c4e-3c3d-4c1e-8f43-5d0f3c27a1b8";

/// The worker of these tests.
pub(crate) const WORKER: &str = "00000000-0000-0000-0000-000000000001";

/// Records what it is told, and sends what the test says.
#[derive(Clone, Default)]
pub(crate) struct Plane(Arc<Mutex<State>>);

struct State {
    told: Vec<(String, Value)>,
    /// What was said last, for those who subscribe later.
    assignments: Vec<Value>,
    subscribers: Vec<mpsc::UnboundedSender<Value>>,
    subscriptions: Vec<Value>,
    requests: Vec<Value>,
    refusals: usize,
    outputs: Outputs,
    asked: Vec<Value>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            told: Vec::new(),
            assignments: Vec::new(),
            subscribers: Vec::new(),
            subscriptions: Vec::new(),
            requests: Vec::new(),
            refusals: 0,
            outputs: Outputs::Known(Vec::new()),
            asked: Vec::new(),
        }
    }
}

impl Plane {
    pub(crate) fn send(&self, brokers: Value, changes: Value) {
        self.send_part(brokers, changes, true);
    }

    /// Sends a part of what changed; what follows a part that is not complete belongs to it.
    pub(crate) fn send_part(&self, brokers: Value, changes: Value, complete: bool) {
        let mut state = self.0.lock().unwrap();
        let position = (state.assignments.len() + 1).to_string();
        let item = json!({ "assignments": { "position": position, "complete": complete,
            "brokers": brokers, "changes": changes } });
        state.assignments.push(item.clone());
        for subscriber in &state.subscribers {
            let _ = subscriber.send(item.clone());
        }
    }

    pub(crate) fn request(&self, request: Value) {
        let item = json!({ "workerRequests": request });
        self.0.lock().unwrap().requests.push(item);
    }

    /// Ends all subscriptions, and fails that many mutations.
    pub(crate) fn break_off(&self, refusals: usize) {
        let mut state = self.0.lock().unwrap();
        state.subscribers.clear();
        state.refusals = refusals;
    }

    /// Ends all subscriptions, and has nothing to say to those that come until something is sent.
    pub(crate) fn forget(&self) {
        let mut state = self.0.lock().unwrap();
        state.subscribers.clear();
        state.assignments.clear();
    }

    /// Where results of every version go from now on.
    pub(crate) fn set_outputs(&self, outputs: Outputs) {
        self.0.lock().unwrap().outputs = outputs;
    }

    /// What the outputs were asked for of.
    pub(crate) fn asked(&self) -> Vec<Value> {
        self.0.lock().unwrap().asked.clone()
    }

    /// The words of all reports, in order: `STARTED`, `BLOCKED no_dlq`.
    pub(crate) fn reports(&self) -> Vec<String> {
        let state = self.0.lock().unwrap();
        let words = state.told.iter().map(|(document, variables)| {
            let input = &variables["input"];
            match document.as_str() {
                "ConsumerReport" => {
                    let word = input["report"].as_str().unwrap();
                    let text = input["text"].as_str().unwrap_or_default();
                    let code = text.split(':').next().unwrap();
                    format!("{word} {code}").trim().to_owned()
                }
                other => other.to_owned(),
            }
        });
        words.collect()
    }

    pub(crate) fn told(&self, document: &str) -> Vec<Value> {
        let state = self.0.lock().unwrap();
        let told = state.told.iter().filter(|(name, _)| name == document);
        told.map(|(_, variables)| variables["input"].clone())
            .collect()
    }

    /// The `after` of each subscription to the assignments.
    pub(crate) fn subscribed_after(&self) -> Vec<Value> {
        self.0.lock().unwrap().subscriptions.clone()
    }
}

#[async_trait]
impl Transport for Plane {
    async fn execute(
        &self,
        document: &'static str,
        variables: Value,
    ) -> Result<Value, TransportError> {
        let mut state = self.0.lock().unwrap();
        if state.refusals > 0 {
            state.refusals -= 1;
            return Err(TransportError::Unavailable("broken off".to_owned()));
        }
        let name = name(document);
        if name == "Outputs" {
            state.asked.push(variables);
            return Ok(json!({ "outputs": outputs(&state) }));
        }
        let field = format!("{}{}", name[..1].to_lowercase(), &name[1..]);
        state.told.push((name.to_owned(), variables));
        Ok(json!({ field: { "position": "1", "userErrors": [] } }))
    }

    fn subscribe(
        &self,
        document: &'static str,
        variables: Value,
    ) -> BoxStream<'static, Result<Value, TransportError>> {
        let mut state = self.0.lock().unwrap();
        if name(document) == "WorkerRequests" {
            let items: Vec<_> = state.requests.drain(..).map(Ok).collect();
            return stream::iter(items).chain(stream::pending()).boxed();
        }
        let (subscriber, receiver) = mpsc::unbounded_channel();
        let after = variables["after"]
            .as_str()
            .map_or(0, |text| text.parse().unwrap());
        for item in &state.assignments[after..] {
            subscriber.send(item.clone()).unwrap();
        }
        state.subscriptions.push(variables["after"].clone());
        state.subscribers.push(subscriber);
        stream::unfold(receiver, async |mut receiver| {
            let item = receiver.recv().await?;
            Some((Ok(item), receiver))
        })
        .boxed()
    }
}

fn outputs(state: &State) -> Value {
    json!({ "outputs": state.outputs, "brokers": [broker()] })
}

/// How the only broker is reached, as assignments and outputs tell.
pub(crate) fn broker() -> Value {
    json!({ "broker": BROKER, "settings": { "kind": "KAFKA", "bootstrap_servers": ["b:9092"],
        "security": "PLAINTEXT" }, "replaces": [] })
}

/// How the broker is reached that took over from it.
pub(crate) fn successor() -> Value {
    let mut successor = broker();
    successor["broker"] = json!(SUCCESSOR);
    successor["replaces"] = json!([BROKER]);
    successor
}

/// The operation's name.
fn name(document: &str) -> &str {
    let words = document.split([' ', '(']);
    words.into_iter().nth(1).unwrap()
}
