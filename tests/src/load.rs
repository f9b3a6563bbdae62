//! Messages of every kind on their way through a flow, and what is seen of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::StatusCode;
use serde_json::json;

use crate::endpoint::{Call, Endpoint};
use crate::flow::{Flow, FlowOptions};
use crate::history::{self, Called, History, Ledger, Run, Violation};
use crate::kafka::Kafka;
use crate::wait::eventually;

/// Calls that a message may have.
const MAX_ATTEMPTS: u32 = 4;

/// The partitions of a flow's topics.
pub const PARTITIONS: i32 = 4;

/// What the endpoint does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Answers it.
    Good,
    /// Fails at first.
    Flaky,
    /// Refuses it.
    Faulty,
    /// Answers it, but not while such messages are held.
    Slow,
}

/// The messages of one flow, its Kafka and its endpoint.
pub struct Load {
    pub kafka: Kafka,
    pub endpoint: Endpoint,
    /// The bodies by message id, which the topic's generation is added to once it is another.
    pub produced: BTreeMap<String, Bytes>,
    /// How often the topic was created again.
    generation: usize,
    seen: Arc<Mutex<Seen>>,
}

/// What the endpoint has seen, and how it behaves.
#[derive(Default)]
struct Seen {
    calls: Vec<Called>,
    /// How many there were when slow messages began to be held.
    before_held: usize,
    excuses: bool,
    fails: bool,
}

impl Load {
    /// Without messages yet.
    pub async fn start() -> Self {
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let sees = Arc::clone(&seen);
        let answer = move |call: &Call| answer(call, &mut sees.lock().unwrap());
        Self {
            kafka: Kafka::from_environment(),
            endpoint: Endpoint::start(answer).await,
            produced: BTreeMap::new(),
            generation: 0,
            seen,
        }
    }

    /// The flow that takes them.
    #[must_use]
    pub fn options(&self) -> FlowOptions {
        let settings = json!({
            "start": { "at": "EARLIEST" },
            "concurrency": 32,
            "retry": {
                "maxAttempts": MAX_ATTEMPTS, "initialBackoffMs": 10, "maxBackoffMs": 200,
            },
        });
        FlowOptions {
            settings,
            ..FlowOptions::to(self.endpoint.url("/"))
        }
    }

    /// Has the slow messages that are produced from now on wait for [`Endpoint::release`].
    pub fn hold_slow(&self) {
        let first = self.produced.len();
        let mut seen = self.seen.lock().unwrap();
        seen.before_held = seen.calls.len();
        drop(seen);
        self.endpoint.hold(move |call| {
            let body = String::from_utf8_lossy(&call.body);
            let held = body.strip_suffix(" Slow");
            held.is_some_and(|number| number.parse::<usize>().is_ok_and(|number| number >= first))
        });
    }

    /// Produces a message of each of these kinds to a partition.
    pub async fn produce(&mut self, partition: i32, kinds: &[Kind]) {
        for kind in kinds {
            let body = format!("{} {kind:?}", self.produced.len());
            let sent = self.kafka.produce_to("orders", partition, body.as_bytes());
            let id = in_generation(&sent.await, self.generation);
            self.produced.insert(id, Bytes::from(body));
        }
    }

    /// Deletes the topic, whose messages have all ended.
    pub async fn delete(&self) {
        self.kafka.delete("orders").await;
    }

    /// Creates it again.
    pub async fn create_again(&mut self, partitions: i32) {
        self.kafka.create(&["orders"], partitions).await;
        self.generation += 1;
    }

    /// Whether a message stands where another one stood before the topic was created again.
    #[must_use]
    pub fn has_messages_in_the_places_of_others(&self) -> bool {
        let before = self.generation - 1;
        let present = self.of_present_generation();
        let mut places = present.keys();
        places.any(|place| self.produced.contains_key(&in_generation(place, before)))
    }

    /// What was produced since the topic was created last, by message id.
    fn of_present_generation(&self) -> BTreeMap<String, Bytes> {
        let all = self.produced.iter();
        let present = all.filter_map(|(id, body)| {
            let (place, generation) = place_of(id);
            (generation == self.generation).then(|| (place.to_owned(), body.clone()))
        });
        present.collect()
    }

    /// The calls so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Called> {
        self.seen.lock().unwrap().calls.clone()
    }

    /// Has every call fail, or none any more.
    pub fn fail_calls(&self, fails: bool) {
        self.seen.lock().unwrap().fails = fails;
    }

    /// Has calls excused for a while: those from now on, and those since slow messages are held, of
    /// which some are under way.
    pub fn excuse_calls(&self, excuses: bool) {
        let mut seen = self.seen.lock().unwrap();
        seen.excuses = excuses;
        let before = seen.before_held;
        for call in &mut seen.calls[before..] {
            call.excused = true;
        }
    }

    /// Waits until the group of the flow has done so many messages of a partition.
    pub async fn until_settled(&self, group: &str, partition: i32, messages: i64) {
        eventually("messages are settled", async || {
            let committed = self.kafka.committed("orders", group).await;
            (committed.get(&partition) >= Some(&messages)).then_some(())
        })
        .await;
    }

    /// Waits until the group of the flow has done every message that is there.
    pub async fn until_all_are_settled(&self, group: &str) {
        let wanted = i64::try_from(self.of_present_generation().len()).unwrap();
        eventually("every message is settled", async || {
            let committed = self.kafka.committed("orders", group).await;
            (committed.values().sum::<i64>() >= wanted).then_some(())
        })
        .await;
    }

    /// Messages that are settled and have neither a result nor a dead letter.
    pub async fn settled_too_early(&self, group: &str) -> BTreeSet<Violation> {
        let committed = self.kafka.committed("orders", group).await;
        let mut outputs = self.kafka.records("scores").await;
        outputs.extend(self.kafka.records("orders-dlq").await);
        history::settled_too_early(&self.of_present_generation(), &committed, &outputs)
    }

    /// Has each run, of which the newest comes first, say which generation its message is of: the
    /// next in which a message stood there.
    fn assign_generations(&self, runs: &mut [Run]) {
        let mut next = BTreeMap::<String, usize>::new();
        for run in runs.iter_mut().rev() {
            let from = next.entry(run.message.clone()).or_default();
            let mut generations = *from..=self.generation;
            let there = |generation: &usize| {
                let id = in_generation(&run.message, *generation);
                self.produced.contains_key(&id)
            };
            if let Some(generation) = generations.find(there) {
                *from = generation + 1;
                run.message = in_generation(&run.message, generation);
            }
        }
    }

    /// Waits until every message is settled, and so has ended, and tells what happened, of which
    /// `interruptions` cut calls short.
    pub async fn ended(&self, flow: &Flow, interruptions: u32) -> History {
        self.until_all_are_settled(&group(flow).await).await;
        eventually("every message has ended", async || {
            let ledger = ledger(flow).await;
            let all = ledger.received >= self.produced.len() as u64;
            (all && ledger.in_flight == 0).then_some(())
        })
        .await;
        let mut runs = runs(flow).await;
        self.assign_generations(&mut runs);
        History {
            produced: self.produced.clone(),
            calls: self.calls(),
            runs,
            results: self.kafka.records("scores").await,
            dead_letters: self.kafka.records("orders-dlq").await,
            ledger: ledger(flow).await,
            max_attempts: MAX_ATTEMPTS,
            interruptions,
        }
    }
}

/// A message id of the topic that was created again so often.
fn in_generation(place: &str, generation: usize) -> String {
    match generation {
        0 => place.to_owned(),
        _ => format!("{place}#{generation}"),
    }
}

fn place_of(id: &str) -> (&str, usize) {
    match id.split_once('#') {
        Some((place, generation)) => (place, generation.parse().unwrap()),
        None => (id, 0),
    }
}

/// The consumer group of the flow's listener.
pub async fn group(flow: &Flow) -> String {
    let listener = flow.look("consumerGroup").await;
    listener["consumerGroup"].as_str().unwrap().to_owned()
}

/// The runs of the flow's listener.
pub async fn runs(flow: &Flow) -> Vec<Run> {
    let runs = flow.runs().await.into_iter();
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    runs.map(|run| Run {
        id: text(&run["uuid"]).unwrap(),
        message: text(&run["messageId"]).unwrap(),
        attempts: run["attemptCount"].as_u64().unwrap(),
        decision: text(&run["decision"]),
    })
    .collect()
}

async fn ledger(flow: &Flow) -> Ledger {
    let fields = "ledger { received succeeded deadLettered filtered dropped inFlight }";
    let ledger = flow.look(fields).await["ledger"].clone();
    let count = |name: &str| ledger[name].as_str().unwrap().parse().unwrap();
    Ledger {
        received: count("received"),
        succeeded: count("succeeded"),
        dead_lettered: count("deadLettered"),
        filtered: count("filtered"),
        dropped: count("dropped"),
        in_flight: count("inFlight"),
    }
}

/// Another result for each call, so that two of one message differ.
fn answer(call: &Call, seen: &mut Seen) -> (StatusCode, Bytes) {
    let run = call.headers["idempotency-key"].to_str().unwrap().to_owned();
    let body = String::from_utf8(call.body.to_vec()).unwrap();
    let (number, kind) = body.split_once(' ').unwrap_or((&body, ""));
    let is_first = seen.calls.iter().all(|earlier| earlier.run != run);
    let status = match kind {
        _ if seen.fails => StatusCode::INTERNAL_SERVER_ERROR,
        "Faulty" => StatusCode::BAD_REQUEST,
        "Flaky" if is_first => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::OK,
    };
    let result = Bytes::from(format!("{number} {}", seen.calls.len()));
    seen.calls.push(Called {
        run,
        body: call.body.clone(),
        result: (status == StatusCode::OK).then(|| result.clone()),
        excused: seen.excuses,
    });
    (status, result)
}
