//! Histories in, rows out.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::algorithm::{AlgorithmRegistered, Protocol, VersionPublished};
use domain::connection::{
    BrokerConnected, BrokerDisconnected, BrokerSettings, DiscoveredTopic, KafkaSecurity,
    TopicsDiscovered,
};
use domain::grant::{Access, TopicGranted, TopicRevoked};
use domain::listener::{
    DlqSet, ListenerDisabled, ListenerEnabled, ListenerSettings, ListenerVersionChanged,
    StartPosition,
};
use domain::organization::OrganizationCreated;
use domain::publisher::PublisherEnabled;
use domain::worker::{ConsumerStarted, ListenerBlocked, WorkerJoined};
use domain::{
    Actor, AlgorithmId, CommandId, ConnectionId, CorrelationId, Envelope, Event, ListenerId, Meta,
    Position, PublisherId, Revision, StreamName, TopicId, WorkerId, codec,
};
use event_store::{EventStore, SqliteEventStore};
use projections::listener::ListenerFilter;
use projections::{Paging, Projector, ProjectorError, ReadModel};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Column, ConnectOptions, Row, SqliteConnection, ValueRef};
use tempfile::TempDir;
use uuid::Uuid;

struct FixedClock;

impl domain::Clock for FixedClock {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }
}

/// A read model in a directory of its own, with nobody else's events in its log.
struct Fixture {
    directory: TempDir,
    model: ReadModel,
    projector: Projector,
}

impl Fixture {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let model = ReadModel::open(&directory.path().join("read.db"))
            .await
            .unwrap();
        let log = directory.path().join("log.db");
        let store = SqliteEventStore::open(&log, Arc::new(FixedClock))
            .await
            .unwrap();
        let store: Arc<dyn EventStore> = Arc::new(store);
        Self {
            projector: Projector::new(model.clone(), store),
            directory,
            model,
        }
    }

    async fn after(events: &[Event]) -> Self {
        let fixture = Self::new().await;
        fixture.apply(&history(events)).await;
        fixture
    }

    async fn apply(&self, history: &[Envelope]) {
        self.projector.apply(history).await.unwrap();
    }

    async fn dump(&self) -> Vec<String> {
        dump(&self.directory.path().join("read.db")).await
    }
}

/// Every row of every table, as text.
async fn dump(path: &Path) -> Vec<String> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let mut connection: SqliteConnection = options.connect().await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' \
         AND name NOT LIKE 'sqlite%' ORDER BY name",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let mut lines = Vec::new();
    for table in tables {
        let sql = sqlx::AssertSqlSafe(format!("SELECT * FROM {table} ORDER BY 1, 2"));
        for row in sqlx::query(sql).fetch_all(&mut connection).await.unwrap() {
            let cells = row.columns().iter().map(|column| {
                let cell = row.try_get_raw(column.ordinal()).unwrap();
                if cell.is_null() {
                    return "null".to_owned();
                }
                row.try_get::<String, _>(column.ordinal())
                    .or_else(|_| {
                        row.try_get::<i64, _>(column.ordinal())
                            .map(|n| n.to_string())
                    })
                    .unwrap()
            });
            lines.push(format!(
                "{table}: {}",
                cells.collect::<Vec<_>>().join(" | ")
            ));
        }
    }
    lines
}

fn history(events: &[Event]) -> Vec<Envelope> {
    (1..)
        .zip(events)
        .map(|(position, event)| {
            let command = CommandId(Uuid::from_u128(position));
            let new = codec::encode(command, std::slice::from_ref(event)).remove(0);
            let position = u64::try_from(position).unwrap();
            Envelope {
                id: new.id,
                stream: StreamName("any".to_owned()),
                revision: Revision(position - 1),
                position: Position(position),
                type_name: new.type_name.to_owned(),
                schema_version: new.schema_version,
                recorded_at: jiff::Timestamp::from_microsecond(i64::try_from(position).unwrap())
                    .unwrap(),
                command,
                meta: Meta {
                    actor: Actor::User {
                        name: "test".to_owned(),
                    },
                    correlation: CorrelationId(command.0),
                    causation: command.0,
                    client_address: None,
                },
                payload: new.payload,
            }
        })
        .collect()
}

fn connection() -> ConnectionId {
    ConnectionId::of_name(&"main".parse().unwrap(), 0)
}

fn algorithm() -> AlgorithmId {
    "acme/score".parse().unwrap()
}

fn topic(name: &str) -> TopicId {
    TopicId {
        connection: connection(),
        topic: name.parse().unwrap(),
    }
}

fn listener() -> ListenerId {
    ListenerId {
        topic: topic("orders"),
        algorithm: algorithm(),
    }
}

fn published(version: &str) -> Event {
    VersionPublished {
        algorithm: algorithm(),
        version: version.parse().unwrap(),
        endpoint: format!("http://127.0.0.1:9/{version}"),
        protocol: Protocol::Raw,
        timeout_ms: 1000,
    }
    .into()
}

fn granted(name: &str, access: Access) -> Event {
    TopicGranted {
        topic: topic(name),
        algorithm: algorithm(),
        access,
    }
    .into()
}

fn enabled(version: &str) -> Event {
    ListenerEnabled {
        listener: listener(),
        version: version.parse().unwrap(),
        settings: ListenerSettings::starting(StartPosition::Earliest),
    }
    .into()
}

/// A listener on `orders`, set up with the version selector.
fn flowing(version: &str) -> Vec<Event> {
    let topics = ["orders", "orders-dlq", "scores"].map(|name| DiscoveredTopic {
        name: name.parse().unwrap(),
        partitions: Some(3),
    });
    vec![
        OrganizationCreated {
            name: "acme".parse().unwrap(),
        }
        .into(),
        AlgorithmRegistered {
            algorithm: algorithm(),
            description: String::new(),
        }
        .into(),
        published("1.0.0"),
        BrokerConnected {
            connection: connection(),
            name: "main".parse().unwrap(),
            settings: BrokerSettings::Kafka {
                bootstrap_servers: vec!["127.0.0.1:9092".to_owned()],
                security: KafkaSecurity::Plaintext,
            },
        }
        .into(),
        TopicsDiscovered {
            connection: connection(),
            topics: topics.to_vec(),
        }
        .into(),
        granted("orders", Access::Subscribe),
        granted("scores", Access::Publish),
        enabled(version),
        DlqSet {
            listener: listener(),
            dlq: "orders-dlq".parse().unwrap(),
        }
        .into(),
    ]
}

fn everything() -> Vec<Event> {
    let worker = WorkerId(Uuid::from_u128(7));
    let mut events = flowing("1.0.0");
    events.extend([
        PublisherEnabled {
            publisher: PublisherId {
                topic: topic("scores"),
                algorithm: algorithm(),
            },
            version: "1.*".parse().unwrap(),
        }
        .into(),
        WorkerJoined { worker }.into(),
        ConsumerStarted {
            worker,
            listener: listener(),
        }
        .into(),
        ListenerBlocked {
            worker,
            listener: listener(),
            reason: "the endpoint is down".to_owned(),
        }
        .into(),
        published("1.1.0"),
        ListenerVersionChanged {
            listener: listener(),
            version: "latest".parse().unwrap(),
        }
        .into(),
        revoked(),
        ListenerDisabled {
            listener: listener(),
            cause: None,
        }
        .into(),
        granted("orders", Access::Subscribe),
        enabled("1.1.0"),
    ]);
    events
}

fn revoked() -> Event {
    TopicRevoked {
        topic: topic("orders"),
        algorithm: algorithm(),
        access: Access::Subscribe,
        cause: None,
    }
    .into()
}

fn everything_of_the_list() -> Paging {
    Paging {
        after: String::new(),
        limit: 100,
    }
}

#[tokio::test]
async fn a_history_replayed_again_ends_in_the_same_tables() {
    let whole = Fixture::after(&everything()).await;
    let one_by_one = Fixture::new().await;
    for envelope in history(&everything()) {
        one_by_one.apply(std::slice::from_ref(&envelope)).await;
    }
    let dump = whole.dump().await;
    assert!(dump.len() > 10, "{dump:?}");
    assert_eq!(dump, one_by_one.dump().await);
}

#[tokio::test]
async fn a_batch_that_fails_leaves_neither_rows_nor_checkpoint() {
    let fixture = Fixture::new().await;
    let mut history = history(&everything());
    let unknown = history.len() - 1;
    history[unknown].type_name = "FromTheFuture".to_owned();
    let before = fixture.dump().await;
    let failed = fixture.projector.apply(&history).await;
    assert!(
        matches!(failed, Err(ProjectorError::Decode { position, .. }) if position == history[unknown].position)
    );
    assert_eq!(fixture.dump().await, before);
    assert_eq!(fixture.model.position(), Position(0));
}

#[tokio::test]
async fn a_reopened_model_goes_on_from_its_checkpoint() {
    let fixture = Fixture::after(&everything()).await;
    let reopened = ReadModel::open(&fixture.directory.path().join("read.db"))
        .await
        .unwrap();
    assert_eq!(reopened.position(), fixture.model.position());
}

#[tokio::test]
async fn waiting_for_a_position_ends_when_it_is_reached_or_time_is_up() {
    let fixture = Fixture::after(&everything()).await;
    let reached = fixture.model.position();
    let patience = Duration::from_millis(20);
    fixture.model.wait_for(reached, patience).await.unwrap();
    let ahead = Position(reached.0 + 1);
    assert!(fixture.model.wait_for(ahead, patience).await.is_err());
}

#[tokio::test]
async fn an_enabled_listener_is_assigned_with_all_a_worker_needs() {
    let mut events = flowing("1.*");
    events.push(
        PublisherEnabled {
            publisher: PublisherId {
                topic: topic("scores"),
                algorithm: algorithm(),
            },
            version: "1.0.0".parse().unwrap(),
        }
        .into(),
    );
    let fixture = Fixture::after(&events).await;
    let (position, changes) = fixture.model.assignments(None).await.unwrap();
    assert_eq!(position, fixture.model.position());
    let assignment = changes[0].assignment.as_ref().unwrap();
    assert_eq!(assignment.listener, listener());
    let connected = fixture
        .model
        .connections_by_id(&[connection()])
        .await
        .unwrap();
    assert_eq!(
        assignment.group,
        listener().group(connected[0].connected_at)
    );
    assert_eq!(assignment.dlq.as_deref(), Some("orders-dlq"));
    let version = assignment.version.as_ref().unwrap();
    assert_eq!(version.endpoint, "http://127.0.0.1:9/1.0.0");
    assert_eq!(assignment.outputs[0].topic.as_str(), "scores");
}

#[tokio::test]
async fn assignments_resume_with_what_changed_and_what_is_to_stop() {
    let fixture = Fixture::new().await;
    let mut events = flowing("latest");
    fixture.apply(&history(&events)).await;
    let (seen, _) = fixture.model.assignments(None).await.unwrap();

    events.push(published("2.0.0"));
    fixture.apply(&history(&events)[events.len() - 1..]).await;
    let (seen, changes) = fixture.model.assignments(Some(seen)).await.unwrap();
    let assignment = changes[0].assignment.as_ref().unwrap();
    let resolved = &assignment.version.as_ref().unwrap().version;
    assert_eq!(resolved.to_string(), "2.0.0");

    events.push(revoked());
    fixture.apply(&history(&events)[events.len() - 1..]).await;
    let (seen, changes) = fixture.model.assignments(Some(seen)).await.unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].assignment, None, "no grant, nothing to run");

    let (_, nothing) = fixture.model.assignments(Some(seen)).await.unwrap();
    assert_eq!(nothing, []);
    let (_, from_start) = fixture.model.assignments(None).await.unwrap();
    assert_eq!(from_start, []);
}

#[tokio::test]
async fn a_connection_that_is_gone_is_gone_from_the_lists() {
    let mut events = everything();
    events.push(
        BrokerDisconnected {
            connection: connection(),
        }
        .into(),
    );
    let fixture = Fixture::after(&events).await;
    let all = everything_of_the_list();
    let model = &fixture.model;
    assert_eq!(model.connections(&all).await.unwrap().rows, []);
    let filter = ListenerFilter::default();
    assert_eq!(model.listeners(&filter, &all).await.unwrap().rows, []);
    let topics = model.topics(connection(), None, &all).await.unwrap();
    assert_eq!(topics.rows, []);
    let (_, assigned) = model.assignments(None).await.unwrap();
    assert_eq!(assigned, []);
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let events: Vec<Event> = (0..5)
        .map(|number| {
            OrganizationCreated {
                name: format!("org-{number}").parse().unwrap(),
            }
            .into()
        })
        .collect();
    let fixture = Fixture::after(&events).await;
    let mut paging = Paging {
        after: String::new(),
        limit: 2,
    };
    let mut names = Vec::new();
    loop {
        let page = fixture.model.organizations(&paging).await.unwrap();
        assert!(page.rows.len() <= 2);
        names.extend(page.rows.iter().map(|row| row.name.to_string()));
        match names.last() {
            Some(last) if page.more => paging.after.clone_from(last),
            _ => break,
        }
    }
    assert_eq!(names, ["org-0", "org-1", "org-2", "org-3", "org-4"]);
}
