//! A broker with many topics, a listener and a grant on each, behind the GraphQL schema.

use std::collections::HashMap;
use std::sync::Arc;

use api::job::Jobs;
use api::worker::WorkerRequests;
use api::{Control, Principal, Schema};
use domain::algorithm::{AlgorithmRegistered, Protocol, VersionPublished, VersionWithdrawn};
use domain::broker::{
    BrokerConnected, BrokerCredentialsRotated, BrokerSettings, DiscoveredTopic, KafkaSecurity,
    SqsAuth, TopicsChanged,
};
use domain::grant::{Access, Grantee, Permission, TopicGranted, TopicPatternGranted};
use domain::listener::{ListenerEnabled, ListenerSettings, StartPosition};
use domain::organization::{MemberAdded, OrganizationCreated, Role};
use domain::run::RunSource;
use domain::{
    Actor, BrokerId, Clock, CommandId, CorrelationId, CredentialRef, Event, Ids, ListenerId, Meta,
    Position, Revision, StreamName, Subject, TopicId, codec,
};
use engine::Engine;
use event_store::{Append, EventStore, Expected, SqliteEventStore};
use futures_util::{Stream, StreamExt};
use jiff::Timestamp;
use projections::{Past, PastLimits, Projector, ReadModel};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::counter::Alone;
use crate::crowd::crowd;
use crate::runs::Runs;
use crate::store::Followed;

/// The read models of one broker, and the schema over them.
pub(crate) struct Inventory {
    pub(crate) schema: Schema,
    pub(crate) runs: Arc<Runs>,
    pub(crate) store: Arc<Followed>,
    projector: Projector,
    _directory: TempDir,
}

impl Inventory {
    /// So many topics, named `topic-00` on, each with an algorithm of its own that reads it.
    /// The version of every second algorithm is withdrawn.
    pub(crate) async fn of(topics: usize) -> Self {
        Self::calling(topics, "http://h/").await
    }

    /// The same with that endpoint of every version.
    pub(crate) async fn calling(topics: usize, endpoint: &str) -> Self {
        Self::with(&events(topics, endpoint)).await
    }

    /// The same on Kafka.
    pub(crate) async fn on_kafka(topics: usize) -> Self {
        let mut events = events(topics, "http://h/");
        for event in &mut events {
            if let Event::BrokerConnected(connected) = event {
                connected.settings = BrokerSettings::Kafka {
                    bootstrap_servers: vec!["127.0.0.1:9".to_owned()],
                    security: KafkaSecurity::Plaintext,
                };
            }
        }
        Self::with(&events).await
    }

    /// So many of everything that there is.
    pub(crate) async fn full(count: usize) -> Self {
        let inventory = Self::with(&crowd(count)).await;
        inventory.runs.have_run(2);
        inventory
    }

    async fn with(events: &[Event]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log.db");
        let store = SqliteEventStore::open(&log, Arc::new(Stopped)).await;
        let store = Arc::new(Followed::new(store.unwrap()));
        let model = ReadModel::open(&directory.path().join("read.db")).await;
        let model = model.unwrap();
        let projector = Projector::new(model.clone(), store.clone());
        append(store.as_ref(), events).await;
        let mut after = Position(0);
        loop {
            let page = store.read_all(after, usize::from(u16::MAX)).await.unwrap();
            let Some(last) = page.last() else {
                break;
            };
            after = last.position;
            projector.apply(&page).await.unwrap();
        }
        let files = directory.path().join("past");
        let past = Past::open(&files, store.clone(), PastLimits::default()).await;
        let past = past.unwrap();
        let engine = Engine::new(store.clone(), Arc::new(Stopped), Arc::new(Stopped));
        let runs = Arc::new(Runs::default());
        let schema = Schema::new(Arc::new(Control {
            engine: Arc::new(engine),
            model,
            past,
            requests: Arc::new(WorkerRequests::new(Arc::new(Stopped))),
            jobs: Jobs::new(Arc::new(Stopped)),
            remote_workers: false,
            runs: Arc::clone(&runs) as Arc<dyn RunSource>,
        }));
        Self {
            schema,
            runs,
            store,
            projector,
            _directory: directory,
        }
    }

    /// How often anything was read so far: the read models, the log, the journal.
    pub(crate) fn reads(&self, alone: &Alone) -> usize {
        alone.statements() + self.store.reads() + self.runs.reads()
    }

    /// Has the read models follow the log until the guard is dropped.
    pub(crate) fn keep_up(&self) -> DropGuard {
        let stop = CancellationToken::new();
        let model = self.schema.control().model.clone();
        let projector = Projector::new(model, self.store.clone());
        tokio::spawn(projector.run(stop.clone()));
        stop.drop_guard()
    }

    /// Creates an organization, and has the read models show it.
    pub(crate) async fn create(&self, organization: &str) {
        let name = organization.parse().unwrap();
        self.happened(OrganizationCreated { name }.into()).await;
    }

    /// Has the read models show an event, the first of its stream.
    pub(crate) async fn happened(&self, event: Event) {
        let head = self.store.head().await.unwrap();
        append(self.store.as_ref(), &[event]).await;
        let history = self.store.read_all(head, 1).await.unwrap();
        self.projector.apply(&history).await.unwrap();
    }

    /// The data of each item.
    pub(crate) fn follow(&self, document: &str) -> impl Stream<Item = Value> + use<> {
        let principal = Principal {
            actor: user(),
            client_address: None,
        };
        let items = self.schema.subscribe_json(document, json!({}), principal);
        items.map(Result::unwrap)
    }

    /// The data of the answer.
    pub(crate) async fn ask(&self, document: &str, variables: Value) -> Value {
        let principal = Principal {
            actor: user(),
            client_address: None,
        };
        let answer = self.schema.execute_json(document, variables, principal);
        answer.await.unwrap()
    }
}

fn events(topics: usize, endpoint: &str) -> Vec<Event> {
    let mut events = set_up(topics);
    for number in 0..topics {
        events.extend(listening(number, endpoint));
    }
    events
}

fn broker() -> BrokerId {
    BrokerId::of_name(&"main".parse().unwrap(), 0)
}

fn credential(version: u32) -> CredentialRef {
    CredentialRef {
        name: "vault/keys".parse().unwrap(),
        version,
    }
}

fn name(number: usize) -> String {
    format!("topic-{number:02}")
}

fn set_up(topics: usize) -> Vec<Event> {
    let listed = (0..topics).map(|number| DiscoveredTopic {
        name: name(number).parse().unwrap(),
        partitions: None,
    });
    vec![
        OrganizationCreated {
            name: "acme".parse().unwrap(),
        }
        .into(),
        MemberAdded {
            organization: "acme".parse().unwrap(),
            member: "ann".parse().unwrap(),
            role: Role::Owner,
        }
        .into(),
        BrokerConnected {
            broker: broker(),
            name: "main".parse().unwrap(),
            settings: BrokerSettings::Sqs {
                region: "eu-central-1".to_owned(),
                endpoint: None,
                auth: SqsAuth::StaticKeys {
                    credential: credential(1),
                },
            },
        }
        .into(),
        BrokerCredentialsRotated {
            broker: broker(),
            credential: credential(2),
        }
        .into(),
        TopicsChanged::gained(broker(), listed.collect()).into(),
        TopicPatternGranted {
            broker: broker(),
            pattern: "topic-*".parse().unwrap(),
            permission: Permission {
                grantee: Grantee::Organization("acme".parse().unwrap()),
                access: Access::Publish,
            },
            cause: None,
        }
        .into(),
    ]
}

fn listening(number: usize, endpoint: &str) -> Vec<Event> {
    let listener = ListenerId {
        topic: TopicId {
            broker: broker(),
            topic: name(number).parse().unwrap(),
        },
        algorithm: format!("acme/score-{number}").parse().unwrap(),
    };
    let algorithm = listener.algorithm.clone();
    let mut events: Vec<Event> = vec![
        AlgorithmRegistered {
            algorithm: algorithm.clone(),
            description: String::new(),
        }
        .into(),
        VersionPublished {
            algorithm: algorithm.clone(),
            version: "1.0.0".parse().unwrap(),
            endpoint: endpoint.to_owned(),
            protocol: Protocol::Raw,
            timeout_ms: 1,
        }
        .into(),
        TopicGranted {
            topic: listener.topic.clone(),
            permission: Permission {
                grantee: Grantee::Algorithm(algorithm.clone()),
                access: Access::Subscribe,
            },
            cause: None,
        }
        .into(),
        ListenerEnabled {
            listener,
            version: "1.0.0".parse().unwrap(),
            settings: ListenerSettings::starting(StartPosition::Latest),
            cause: None,
        }
        .into(),
    ];
    if number % 2 == 1 {
        let withdrawn = VersionWithdrawn {
            algorithm,
            version: "1.0.0".parse().unwrap(),
            reason: Some("it lies".to_owned()),
        };
        events.push(withdrawn.into());
    }
    events
}

/// Appends each event to its stream, as a command of its own.
async fn append(store: &dyn EventStore, events: &[Event]) {
    let mut revisions: HashMap<StreamName, u64> = HashMap::new();
    let head = store.head().await.unwrap();
    for (number, event) in (u128::from(head.0) + 1..).zip(events) {
        let command = CommandId(Uuid::from_u128(number));
        let stream = event.subject().stream();
        let revision = revisions.entry(stream.clone()).or_default();
        let append = Append {
            stream,
            expected: match revision.checked_sub(1) {
                Some(last) => Expected::Exact(Revision(last)),
                None => Expected::NoStream,
            },
            command,
            fingerprint: [0; 32],
            meta: meta(command, event),
            events: codec::encode(command, std::slice::from_ref(event)),
        };
        store.append(append).await.unwrap();
        *revision += 1;
    }
}

/// Who did it: a policy what has a cause, a worker what it reports, and else a person.
fn meta(command: CommandId, event: &Event) -> Meta {
    let cause = match event {
        Event::PublisherDisabled(e) => e.cause,
        _ => None,
    };
    Meta {
        actor: match (event.subject(), cause) {
            (Subject::Worker(id), _) => Actor::Worker { id: *id },
            (_, Some(_)) => Actor::Policy {
                name: "orphans".to_owned(),
            },
            (_, None) => user(),
        },
        correlation: CorrelationId(command.0),
        causation: cause.map_or(command.0, |cause| cause.0),
        client_address: None,
    }
}

fn user() -> Actor {
    Actor::User {
        name: "test".to_owned(),
    }
}

/// Everything that a query does not need: no time passes, nothing is drawn.
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

impl Ids for Stopped {
    fn next(&self) -> Uuid {
        Uuid::nil()
    }
}
