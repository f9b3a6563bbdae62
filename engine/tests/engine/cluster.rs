//! An engine on a log of its own, and short names for common commands.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::algorithm::{Protocol, PublishVersion, RegisterAlgorithm};
use domain::broker::{BrokerSettings, DiscoveredTopic, KafkaSecurity};
use domain::flow::Flows;
use domain::grant::{
    Access, Edit, EditGrants, EditPatternGrants, Grantee, PatternChange, Permission,
};
use domain::listener::{EnableListener, ListenerSettings, StartPosition};
use domain::organization::CreateOrganization;
use domain::publisher::EnablePublisher;
use domain::{
    Actor, BrokerId, Clock, Command, CommandId, CorrelationId, Envelope, Ids, ListenerId, Position,
    PublisherId, TopicId,
};
use engine::connect::NewBroker;
use engine::policy::Orphans;
use engine::{Engine, Outcome, Request};
use event_store::SqliteEventStore;
use tempfile::TempDir;
use uuid::Uuid;

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }
}

#[derive(Default)]
struct Counter(AtomicU64);

impl Ids for Counter {
    fn next(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed)))
    }
}

pub(crate) struct Cluster {
    pub(crate) engine: Engine,
    _directory: TempDir,
}

impl Cluster {
    pub(crate) async fn empty() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(FixedClock);
        let path = directory.path().join("log.db");
        let store = SqliteEventStore::open(&path, clock.clone()).await.unwrap();
        Self {
            engine: Engine::new(Arc::new(store), clock, Arc::new(Counter::default())),
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
            algorithm: "acme/score".parse().unwrap(),
            description: String::new(),
        })
        .await;
        self.done(&PublishVersion {
            algorithm: "acme/score".parse().unwrap(),
            version: "1.0.0".parse().unwrap(),
            endpoint: "http://127.0.0.1:9/".to_owned(),
            protocol: Protocol::Raw,
            timeout_ms: 1000,
        })
        .await;
        self.connect().await;
    }

    pub(crate) async fn connect(&self) -> (BrokerId, Outcome) {
        self.connect_as("main", &["orders", "orders-dlq", "scores"])
            .await
    }

    pub(crate) async fn connect_as(&self, name: &str, topics: &[&str]) -> (BrokerId, Outcome) {
        let topics = topics.iter().map(|topic| DiscoveredTopic {
            name: topic.parse().unwrap(),
            partitions: Some(1),
        });
        let new = NewBroker {
            name: name.parse().unwrap(),
            settings: BrokerSettings::Kafka {
                bootstrap_servers: vec!["127.0.0.1:9092".to_owned()],
                security: KafkaSecurity::Plaintext,
            },
            probe: Ok(topics.collect()),
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
        actor: Actor::User {
            name: "test".to_owned(),
        },
        command,
        fingerprint,
        correlation: CorrelationId(command.0),
        causation: None,
        client_address: None,
        repeatable: true,
        expected: Vec::new(),
    }
}

pub(crate) fn broker(name: &str) -> BrokerId {
    BrokerId::of_name(&name.parse().unwrap(), 0)
}

pub(crate) fn topic(name: &str) -> TopicId {
    TopicId {
        broker: broker("main"),
        topic: name.parse().unwrap(),
    }
}

pub(crate) fn listener() -> ListenerId {
    ListenerId {
        topic: topic("orders"),
        algorithm: "acme/score".parse().unwrap(),
    }
}

/// The listener on orders.
pub(crate) fn listen(dlq: Option<&str>) -> EnableListener {
    EnableListener {
        listener: listener(),
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
        publisher: PublisherId {
            topic: topic("scores"),
            algorithm: "acme/score".parse().unwrap(),
        },
        version: "1.0.0".parse().unwrap(),
        flows: Flows::default(),
        allow_cycle: false,
    }
}

pub(crate) fn to_score(access: Access) -> Permission {
    Permission {
        grantee: Grantee::Algorithm("acme/score".parse().unwrap()),
        access,
    }
}

pub(crate) fn to_acme(access: Access) -> Permission {
    Permission {
        grantee: Grantee::Organization("acme".parse().unwrap()),
        access,
    }
}

pub(crate) fn grant(name: &str, access: Access) -> EditGrants {
    EditGrants::single(topic(name), Edit::Add, to_score(access))
}

pub(crate) fn revoke(name: &str, access: Access) -> EditGrants {
    EditGrants::single(topic(name), Edit::Remove, to_score(access))
}

pub(crate) fn pattern(edit: Edit, pattern: &str, access: Access) -> EditPatternGrants {
    EditPatternGrants {
        broker: broker("main"),
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
