//! An engine on a log of its own, and short names for common commands.

use std::sync::Arc;

use domain::algorithm::{Protocol, PublishVersion, RegisterAlgorithm};
use domain::flow::Flows;
use domain::grant::{Access, Edit, EditGrants, EditPatternGrants, PatternChange};
use domain::listener::{EnableListener, ListenerSettings, StartPosition};
use domain::organization::CreateOrganization;
use domain::publisher::EnablePublisher;
use domain::testing::{
    CountingIds, FixedClock, broker_id, discovered, kafka, listener_id, publisher_id, score,
    to_score, topic_id, user,
};
use domain::{BrokerId, Command, CommandId, CorrelationId, Envelope, Position};
use engine::connect::NewBroker;
use engine::policy::Orphans;
use engine::{Engine, Outcome, Request};
use event_store::SqliteEventStore;
use tempfile::TempDir;

pub(crate) struct Cluster {
    pub(crate) engine: Engine,
    _directory: TempDir,
}

impl Cluster {
    pub(crate) async fn empty() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(FixedClock::default());
        let path = directory.path().join("log.db");
        let store = SqliteEventStore::open(&path, clock.clone()).await.unwrap();
        Self {
            engine: Engine::new(Arc::new(store), clock, Arc::new(CountingIds::default())),
            _directory: directory,
        }
    }

    /// The broker `main` with two granted topics, a listener on one and a publisher on the other.
    pub(crate) async fn flowing() -> Self {
        let cluster = Self::empty().await;
        cluster.ready().await;
        for (topic, access) in [("orders", Access::Subscribe), ("scores", Access::Publish)] {
            cluster.done(&grant(topic, access)).await;
        }
        cluster.done(&listen(None)).await;
        cluster.done(&publish()).await;
        cluster
    }

    /// The broker `main`, and the algorithm acme/score with a version.
    pub(crate) async fn ready(&self) {
        self.done(&acme()).await;
        self.done(&RegisterAlgorithm {
            algorithm: score(),
            description: String::new(),
        })
        .await;
        self.done(&PublishVersion {
            algorithm: score(),
            version: "1.0.0".parse().unwrap(),
            endpoint: "http://127.0.0.1:9/".to_owned(),
            protocol: Protocol::Raw,
            timeout_ms: 1000,
            calls: Default::default(),
        })
        .await;
        self.connect().await;
    }

    pub(crate) async fn connect(&self) -> (BrokerId, Outcome) {
        self.connect_as("main", &["orders", "orders-dlq", "scores"])
            .await
    }

    pub(crate) async fn connect_as(&self, name: &str, topics: &[&str]) -> (BrokerId, Outcome) {
        let new = NewBroker {
            name: name.parse().unwrap(),
            settings: kafka(),
            probe: Ok(discovered(topics)),
        };
        self.engine.connect(new, &self.request()).await.unwrap()
    }

    pub(crate) fn request(&self) -> Request {
        request(&self.engine.next_id().to_string(), [7; 32])
    }

    pub(crate) async fn done<C: Command>(&self, command: &C) -> Position {
        let outcome = self.engine.execute(command, &self.request()).await.unwrap();
        match outcome {
            Outcome::Accepted(accepted) => accepted.position,
            refused => panic!("{refused:?}"),
        }
    }

    pub(crate) async fn events(&self) -> Vec<Envelope> {
        let store = self.engine.store();
        store.read_all(Position(0), 1000).await.unwrap()
    }

    pub(crate) async fn types_after(&self, position: Position) -> Vec<String> {
        let events = self.events().await.into_iter();
        let later = events.filter(|envelope| envelope.position > position);
        later.map(|envelope| envelope.type_name).collect()
    }

    /// The policy as it would stand after reading the log up to `position`.
    pub(crate) async fn policy_at(&self, position: Position) -> Orphans {
        let mut orphans = Orphans::default();
        for envelope in self.events().await {
            if envelope.position <= position {
                let event = domain::codec::decode(&envelope).unwrap();
                orphans.apply(&envelope, &event);
            }
        }
        orphans
    }

    /// The policy as it stands now.
    pub(crate) async fn policy(&self) -> Orphans {
        let head = self.engine.store().head().await.unwrap();
        self.policy_at(head).await
    }

    /// Answers what the policy finds, a new policy each time, until it finds nothing.
    pub(crate) async fn settle(&self) {
        for _ in 0..100 {
            let answers = self.policy().await.remedies();
            let Some(answer) = answers.first() else {
                return;
            };
            answer.execute(&self.engine).await.unwrap();
        }
        panic!("the policy finds no end");
    }
}

pub(crate) fn request(key: &str, fingerprint: [u8; 32]) -> Request {
    let command = CommandId::of_key("test", key);
    Request {
        actor: user("test"),
        command,
        fingerprint,
        correlation: CorrelationId(command.0),
        causation: None,
        client_address: None,
        repeatable: true,
        expected: Vec::new(),
    }
}

/// The listener on orders.
pub(crate) fn listen(dlq: Option<&str>) -> EnableListener {
    EnableListener {
        listener: listener_id("orders"),
        version: "1.0.0".parse().unwrap(),
        settings: ListenerSettings::starting(StartPosition::Earliest),
        dlq: dlq.map(|dlq| dlq.parse().unwrap()),
        paused: false,
        flows: Flows::default(),
        allow_cycle: false,
    }
}

/// The publisher on scores.
pub(crate) fn publish() -> EnablePublisher {
    EnablePublisher {
        publisher: publisher_id("scores"),
        version: "1.0.0".parse().unwrap(),
        flows: Flows::default(),
        allow_cycle: false,
    }
}

pub(crate) fn grant(name: &str, access: Access) -> EditGrants {
    EditGrants::single(topic_id(name), Edit::Add, to_score(access))
}

pub(crate) fn revoke(name: &str, access: Access) -> EditGrants {
    EditGrants::single(topic_id(name), Edit::Remove, to_score(access))
}

pub(crate) fn pattern(edit: Edit, pattern: &str, access: Access) -> EditPatternGrants {
    EditPatternGrants {
        broker: broker_id("main"),
        changes: vec![PatternChange {
            edit,
            pattern: pattern.parse().unwrap(),
            permission: to_score(access),
        }],
    }
}

pub(crate) fn acme() -> CreateOrganization {
    CreateOrganization {
        name: "acme".parse().unwrap(),
    }
}
