//! The engine and its policy against a real log.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::algorithm::{Protocol, PublishVersion, RegisterAlgorithm};
use domain::connection::{BrokerSettings, DisconnectBroker, DiscoveredTopic, KafkaSecurity};
use domain::grant::{Access, Grant, Revoke};
use domain::listener::{EnableListener, ListenerSettings, StartPosition};
use domain::organization::CreateOrganization;
use domain::publisher::EnablePublisher;
use domain::{
    Actor, Clock, Command, CommandId, ConnectionId, CorrelationId, Envelope, Ids, ListenerId,
    Position, PublisherId, Refusal, TopicId,
};
use engine::connection::NewConnection;
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

struct Cluster {
    engine: Engine,
    _directory: TempDir,
}

impl Cluster {
    async fn empty() -> Self {
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
    async fn flowing() -> Self {
        let cluster = Self::empty().await;
        cluster.ready().await;
        for (topic, access) in [("orders", Access::Subscribe), ("scores", Access::Publish)] {
            cluster.done(&grant(topic, access)).await;
        }
        let listener = EnableListener {
            listener: listener(),
            version: "1.0.0".parse().unwrap(),
            settings: ListenerSettings::starting(StartPosition::Earliest),
            dlq: None,
        };
        cluster.done(&listener).await;
        let publisher = EnablePublisher {
            publisher: PublisherId {
                topic: topic("scores"),
                algorithm: "acme/score".parse().unwrap(),
            },
            version: "1.0.0".parse().unwrap(),
        };
        cluster.done(&publisher).await;
        cluster
    }

    async fn ready(&self) {
        let name = "acme".parse().unwrap();
        self.done(&CreateOrganization { name }).await;
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

    async fn connect(&self) -> (ConnectionId, Outcome) {
        let new = NewConnection {
            name: "main".parse().unwrap(),
            settings: BrokerSettings::Kafka {
                bootstrap_servers: vec!["127.0.0.1:9092".to_owned()],
                security: KafkaSecurity::Plaintext,
            },
            probe: Ok(["orders", "scores"]
                .map(|name| DiscoveredTopic {
                    name: name.parse().unwrap(),
                    partitions: Some(1),
                })
                .to_vec()),
        };
        self.engine.connect(new, &self.request()).await.unwrap()
    }

    fn request(&self) -> Request {
        request(&self.engine.next_id().to_string(), [7; 32])
    }

    async fn done<C: Command>(&self, command: &C) -> Position {
        let outcome = self.engine.execute(command, &self.request()).await.unwrap();
        match outcome {
            Outcome::Accepted(accepted) => accepted.position,
            refused => panic!("{refused:?}"),
        }
    }

    async fn events(&self) -> Vec<Envelope> {
        let store = self.engine.store();
        store.read_all(Position(0), 1000).await.unwrap()
    }

    async fn types_after(&self, position: Position) -> Vec<String> {
        let events = self.events().await.into_iter();
        let later = events.filter(|envelope| envelope.position > position);
        later.map(|envelope| envelope.type_name).collect()
    }

    /// The policy as it would stand after reading the log up to `position`.
    async fn policy_at(&self, position: Position) -> Orphans {
        let mut orphans = Orphans::default();
        for envelope in self.events().await {
            if envelope.position <= position {
                let event = domain::codec::decode(&envelope).unwrap();
                orphans.apply(&envelope, &event);
            }
        }
        orphans
    }

    /// Answers what the policy finds, a new policy each time, until it finds nothing; a process
    /// that dies after each answer does the same.
    async fn settle(&self) {
        for _ in 0..10 {
            let head = self.engine.store().head().await.unwrap();
            let answers = self.policy_at(head).await.answers();
            let Some(answer) = answers.first() else {
                return;
            };
            answer.execute(&self.engine).await.unwrap();
            answer.execute(&self.engine).await.unwrap();
        }
        panic!("the policy finds no end");
    }
}

fn request(key: &str, fingerprint: [u8; 32]) -> Request {
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
        expected_revision: None,
    }
}

fn topic(name: &str) -> TopicId {
    TopicId {
        connection: ConnectionId::of_name(&"main".parse().unwrap(), 0),
        topic: name.parse().unwrap(),
    }
}

fn listener() -> ListenerId {
    ListenerId {
        topic: topic("orders"),
        algorithm: "acme/score".parse().unwrap(),
    }
}

fn grant(name: &str, access: Access) -> Grant {
    Grant {
        topic: topic(name),
        algorithm: "acme/score".parse().unwrap(),
        access,
    }
}

fn revoke(name: &str, access: Access) -> Revoke {
    Revoke {
        topic: topic(name),
        algorithm: "acme/score".parse().unwrap(),
        access,
        cause: None,
    }
}

fn acme() -> CreateOrganization {
    CreateOrganization {
        name: "acme".parse().unwrap(),
    }
}

#[tokio::test]
async fn a_request_executed_again_answers_the_same_and_appends_nothing() {
    let cluster = Cluster::empty().await;
    let request = request("key", [1; 32]);
    let first = cluster.engine.execute(&acme(), &request).await.unwrap();
    let second = cluster.engine.execute(&acme(), &request).await.unwrap();
    assert!(matches!(first, Outcome::Accepted(_)), "{first:?}");
    assert_eq!(first, second);
    assert_eq!(cluster.events().await.len(), 1);
}

#[tokio::test]
async fn a_key_used_for_something_else_is_refused() {
    let cluster = Cluster::empty().await;
    let other = CreateOrganization {
        name: "other".parse().unwrap(),
    };
    let execute = async |command: &CreateOrganization, fingerprint| {
        let request = request("key", fingerprint);
        cluster.engine.execute(command, &request).await.unwrap()
    };
    execute(&acme(), [1; 32]).await;
    assert_eq!(execute(&other, [2; 32]).await, Outcome::KeyReused);
    // Also where the other command would have been refused by itself.
    assert_eq!(execute(&acme(), [2; 32]).await, Outcome::KeyReused);
    assert_eq!(cluster.events().await.len(), 1);
}

#[tokio::test]
async fn a_refusal_is_an_answer_and_leaves_no_event() {
    let cluster = Cluster::empty().await;
    cluster.done(&acme()).await;
    let again = cluster.engine.execute(&acme(), &cluster.request()).await;
    let taken = Refusal::OrganizationNameTaken("acme".parse().unwrap());
    assert_eq!(again.unwrap(), Outcome::Refused(taken));
    assert_eq!(cluster.events().await.len(), 1);
}

#[tokio::test]
async fn a_stale_revision_is_told() {
    let cluster = Cluster::flowing().await;
    let mut request = cluster.request();
    request.expected_revision = Some(domain::Revision(0));
    let command = revoke("orders", Access::Subscribe);
    let outcome = cluster.engine.execute(&command, &request).await.unwrap();
    let actual = Some(domain::Revision(1));
    assert_eq!(outcome, Outcome::Stale { actual });
}

#[tokio::test]
async fn commands_on_one_stream_at_once_are_all_done() {
    let cluster = Arc::new(Cluster::empty().await);
    cluster.ready().await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..8 {
        let cluster = Arc::clone(&cluster);
        tasks.spawn(async move {
            let version = PublishVersion {
                algorithm: "acme/score".parse().unwrap(),
                version: format!("2.0.{number}").parse().unwrap(),
                endpoint: "http://127.0.0.1:9/".to_owned(),
                protocol: Protocol::Raw,
                timeout_ms: 1000,
            };
            cluster.done(&version).await
        });
    }
    let mut positions = tasks.join_all().await;
    positions.sort();
    positions.dedup();
    assert_eq!(positions.len(), 8);
}

#[tokio::test]
async fn a_name_is_free_again_once_its_connection_is_gone() {
    let cluster = Cluster::empty().await;
    let mut connections = Vec::new();
    for _ in 0..6 {
        let (connection, outcome) = cluster.connect().await;
        assert!(matches!(outcome, Outcome::Accepted(_)), "{outcome:?}");
        let (same, taken) = cluster.connect().await;
        assert_eq!(same, connection);
        let name = "main".parse().unwrap();
        assert_eq!(taken, Outcome::Refused(Refusal::ConnectionNameTaken(name)));
        cluster.done(&DisconnectBroker { connection }).await;
        connections.push(connection);
    }
    connections.sort();
    connections.dedup();
    assert_eq!(connections.len(), 6);
}

#[tokio::test]
async fn a_revoked_grant_ends_its_listener_with_the_cause() {
    let cluster = Cluster::flowing().await;
    let revoked = cluster.done(&revoke("orders", Access::Subscribe)).await;
    cluster.settle().await;
    assert_eq!(cluster.types_after(revoked).await, ["ListenerDisabled"]);
    let events = cluster.events().await;
    let (cause, disabled) = (&events[events.len() - 2], &events[events.len() - 1]);
    let actor = Actor::Policy {
        name: "orphans".to_owned(),
    };
    assert_eq!(disabled.meta.actor, actor);
    assert_eq!(disabled.meta.causation, cause.id.0);
    assert_eq!(disabled.meta.correlation, cause.meta.correlation);
    let payload: serde_json::Value = serde_json::from_slice(&disabled.payload).unwrap();
    assert_eq!(payload["cause"], cause.id.to_string());
}

#[tokio::test]
async fn a_connection_that_is_gone_takes_everything_on_it_along() {
    let cluster = Cluster::flowing().await;
    let connection = topic("orders").connection;
    let gone = cluster.done(&DisconnectBroker { connection }).await;
    cluster.settle().await;
    let mut ended = cluster.types_after(gone).await;
    ended.sort();
    let expected = [
        "ListenerDisabled",
        "PublisherDisabled",
        "TopicRevoked",
        "TopicRevoked",
    ];
    assert_eq!(ended, expected);
}

#[tokio::test]
async fn an_answer_that_comes_late_leaves_alone_what_was_mended() {
    let cluster = Cluster::flowing().await;
    let revoked = cluster.done(&revoke("orders", Access::Subscribe)).await;
    let late = cluster.policy_at(revoked).await.answers();
    assert_eq!(late.len(), 1);
    let granted = cluster.done(&grant("orders", Access::Subscribe)).await;
    late[0].execute(&cluster.engine).await.unwrap();
    assert_eq!(cluster.types_after(granted).await, [""; 0]);
    assert!(cluster.policy_at(granted).await.answers().is_empty());
}
