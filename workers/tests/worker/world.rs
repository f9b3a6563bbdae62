//! Everything around a worker.

use std::sync::Arc;
use std::time::Duration;

use brokers::{Broker, BrokerError, Memory, Outgoing};
use bytes::Bytes;
use domain::broker::BrokerSettings;
use domain::run::Ledger;
use domain::testing::{CountingIds, ManualClock, topic_on};
use domain::worker::LEASE;
use domain::{BrokerId, Outputs, TopicId, WorkerId};
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workers::journal::Owner;
use workers::{Connector, DirectRuns, Journal, Permission, Permits, Worker, WorkerConfig};

use crate::broker::MemoryBroker;
use crate::endpoint::{Answer, Endpoint};
use crate::plane::{self, BROKER, Plane};

pub(crate) const GROUP: &str = "6f1d9c1e-5b7a-4d0e-9f53-0d7c3a51e8b2";

const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

/// More than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whose runs the listener's are.
pub(crate) fn owner() -> Owner {
    Owner::Listener(GROUP.parse().unwrap())
}

pub(crate) struct World {
    pub(crate) broker: MemoryBroker,
    pub(crate) plane: Plane,
    pub(crate) endpoint: Option<Endpoint>,
    pub(crate) port: u16,
    /// How long calls may take to end when a worker stops.
    pub(crate) grace: Duration,
    /// How long a listener must be blocked, or go on, until it is told.
    pub(crate) notice: Duration,
    /// How long a worker works on without a word from the journal.
    pub(crate) lease: Duration,
    /// What messages and results may take.
    pub(crate) memory: Memory,
    pub(crate) clock: ManualClock,
    directory: TempDir,
}

/// A worker at work.
pub(crate) struct Running {
    pub(crate) journal: Journal,
    pub(crate) direct: DirectRuns,
    pub(crate) permits: Permits,
    shutdown: CancellationToken,
    ended: JoinHandle<()>,
}

impl World {
    pub(crate) async fn new<A: Into<Answer>>(
        script: impl Fn(usize, &Bytes) -> A + Send + Sync + 'static,
    ) -> Self {
        let endpoint = Endpoint::start(0, script).await;
        Self {
            broker: MemoryBroker::default(),
            plane: Plane::default(),
            port: endpoint.port,
            endpoint: Some(endpoint),
            grace: PATIENCE,
            notice: Duration::ZERO,
            lease: LEASE,
            memory: Memory::default(),
            clock: ManualClock::at(NOW),
            directory: TempDir::new().unwrap(),
        }
    }

    pub(crate) async fn worker(&self) -> Running {
        let path = self.directory.path().join("journal.db");
        let worker = WorkerId(Uuid::from_u128(1));
        let journal = Journal::open(&path, worker, Arc::new(self.clock.clone()));
        let journal = journal.await.unwrap();
        let mut config = WorkerConfig::new(worker);
        config.grace = self.grace;
        config.notice = self.notice;
        config.lease = self.lease;
        config.memory = self.memory.clone();
        let plane = Arc::new(self.plane.clone());
        let ids = Arc::new(CountingIds::default());
        let connector = Arc::new(One(self.broker.clone()));
        let worker = Worker::new(config, plane, journal.clone(), ids, connector);
        let (worker, direct) = worker.with_direct_runs().await.unwrap();
        let (permits, permit) = workers::permits();
        permits.say(Permission::Granted);
        let shutdown = CancellationToken::new();
        Running {
            permits,
            journal,
            direct,
            ended: tokio::spawn(worker.run(shutdown.clone(), permit)),
            shutdown,
        }
    }

    /// A listener of `orders` that writes to `scores`, with quick retries, changed by `change`.
    pub(crate) fn assign(&self, change: impl FnOnce(&mut Value)) {
        let mut assignment = self.assignment("orders");
        change(&mut assignment);
        let changes = json!([{ "listener": assignment["listener"], "assignment": assignment }]);
        self.plane.send(json!([plane::broker()]), changes);
    }

    /// The listener of the topic is to stop.
    pub(crate) fn unassign(&self, topic: &str) {
        let change = json!({ "listener": listener(topic), "assignment": null });
        self.plane.send(json!([]), json!([change]));
    }

    /// A listener of the topic that writes to `scores`.
    pub(crate) fn assignment(&self, topic: &str) -> Value {
        json!({
            "listener": listener(topic), "revision": 12, "group": GROUP, "dlq": "dead",
            "dlq_not_granted": false,
            "version": { "version": "1.0.0", "endpoint": format!("http://127.0.0.1:{}/score", self.port),
                         "protocol": "RAW", "timeout_ms": 5000 },
            "settings": { "start": { "at": "EARLIEST" }, "concurrency": 4,
                "retry": { "max_attempts": 3, "initial_backoff_ms": 1, "max_backoff_ms": 20 },
                "faults": "BLOCK", "max_message_bytes": 1000 },
            "outputs": { "known": [{ "broker": BROKER, "topic": "scores" }] },
        })
    }

    /// Results of every version go to these topics from now on.
    pub(crate) fn publish_to(&self, topics: &[&str]) {
        self.plane.set_outputs(Outputs::Known(on_broker(topics)));
    }

    /// Results of every version are for these topics from now on, whose publishers are being moved.
    pub(crate) fn move_outputs(&self, topics: &[&str]) {
        self.plane.set_outputs(Outputs::Moving(on_broker(topics)));
    }

    /// Whether the endpoint takes calls without answering them.
    pub(crate) fn hold(&self, held: bool) {
        self.endpoint
            .as_ref()
            .expect("there is an endpoint")
            .hold(held);
    }

    pub(crate) fn calls(&self) -> usize {
        self.endpoint.as_ref().map_or(0, Endpoint::count)
    }

    /// How often a message with that body was called.
    pub(crate) fn calls_of(&self, body: &str) -> usize {
        let endpoint = self.endpoint.as_ref().expect("there is an endpoint");
        let calls = endpoint.calls.lock().unwrap();
        calls.iter().filter(|call| call.body == body).count()
    }

    pub(crate) async fn outputs(&self, count: usize) -> Vec<Outgoing> {
        eventually("outputs", || self.broker.messages("scores").len() >= count).await;
        self.broker.messages("scores")
    }

    pub(crate) async fn dead_letters(&self, count: usize) -> Vec<Outgoing> {
        eventually("dead letters", || {
            self.broker.messages("dead").len() >= count
        })
        .await;
        self.broker.messages("dead")
    }

    pub(crate) async fn settled(&self, count: usize) {
        eventually("settled", || self.broker.settled() == count).await;
    }

    pub(crate) async fn reported(&self, report: &str) {
        eventually(report, || {
            self.plane.reports().iter().any(|told| told == report)
        })
        .await;
    }
}

impl Running {
    /// Stops in order and waits for it.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.ended.await.unwrap();
    }

    /// Ends at once, as a crash would.
    pub(crate) async fn kill(self) {
        self.ended.abort();
        self.direct.stop(Duration::ZERO).await;
        let _ = self.ended.await;
    }

    pub(crate) async fn ledger(&self) -> Ledger {
        let ledgers = self.journal.ledgers(&[owner()]).await.unwrap();
        let ledger = ledgers[0];
        let decided = ledger.succeeded + ledger.dead_lettered + ledger.filtered + ledger.dropped;
        assert_eq!(ledger.received, decided + ledger.in_flight, "{ledger:?}");
        ledger
    }
}

fn on_broker(topics: &[&str]) -> Vec<TopicId> {
    let broker = BrokerId(BROKER.parse().unwrap());
    let topics = topics.iter().map(|topic| topic_on(broker, topic));
    topics.collect()
}

/// The listener of a topic as assignments name it.
pub(crate) fn listener(topic: &str) -> Value {
    json!({ "broker": BROKER, "topic": topic, "algorithm": "acme/score" })
}

/// Waits until `holds`, which nothing signals.
pub(crate) async fn eventually(what: &str, holds: impl Fn() -> bool + Send + Sync) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let held = tokio::time::timeout(PATIENCE, wait).await;
    assert!(held.is_ok(), "{what} should have come to be");
}

pub(crate) fn header(message: &Outgoing, name: &str) -> String {
    let mut headers = message.headers.iter();
    let (_, value) = headers
        .find(|(header, _)| header == name)
        .unwrap_or_else(|| panic!("no header {name}"));
    String::from_utf8(value.clone().unwrap().to_vec()).unwrap()
}

/// The body of a message that has one.
pub(crate) fn body(message: &Outgoing) -> Bytes {
    message.body.clone().expect("a body")
}

struct One(MemoryBroker);

impl Connector for One {
    fn connect(&self, _settings: &BrokerSettings) -> Result<Arc<dyn Broker>, BrokerError> {
        Ok(Arc::new(self.0.clone()))
    }
}

/// The names of a message's headers, in order.
pub(crate) fn names(message: &Outgoing) -> Vec<&str> {
    message.headers.iter().map(|(name, _)| &**name).collect()
}

/// The value of a header, where there is one.
pub(crate) fn find<'m>(message: &'m Outgoing, name: &str) -> Option<&'m Bytes> {
    let (_, value) = message.headers.iter().find(|(header, _)| header == name)?;
    value.as_ref()
}
