//! A broker with many topics, a listener and a grant on each, behind the GraphQL schema.

use std::collections::HashMap;
use std::sync::Arc;

use api::job::Jobs;
use api::worker::WorkerRequests;
use api::{Control, Principal, Schema};
use domain::algorithm::{Protocol, VersionPublished};
use domain::grant::Access;
use domain::listener::{ListenerEnabled, ListenerSettings, StartPosition};
use domain::organization::Role;
use domain::run::RunSource;
use domain::testing::{
    self, CountingIds, FixedClock, algorithm_registered, credential_rotated, granted, kafka,
    keys_connected, listener_of, member_added, organization_created, pattern_granted, to_acme,
    to_algorithm, topic_id, topics_gained, user, version_withdrawn,
};
use domain::worker::Confirmations;
use domain::{
    Actor, AlgorithmId, CommandId, Event, Meta, Position, Revision, StreamName, Subject, codec,
};
use engine::Engine;
use event_store::{Append, EventStore, Expected, SqliteEventStore};
use futures_util::{Stream, StreamExt};
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
                connected.settings = kafka();
            }
        }
        Self::with(&events).await
    }

    /// So many of everything that there is.
    pub(crate) async fn full(count: usize) -> Self {
        let inventory = Self::with(&crowd(count)).await;
        inventory.runs.have_run(count);
        inventory
    }

    async fn with(events: &[Event]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log.db");
        let clock = Arc::new(FixedClock::default());
        let store = SqliteEventStore::open(&log, clock.clone()).await;
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
        // Beyond the commands of the events so far.
        let ids = Arc::new(CountingIds::starting_at(1 << 32));
        let engine = Engine::new(store.clone(), clock.clone(), ids.clone());
        let runs = Arc::new(Runs::default());
        let schema = Schema::new(Arc::new(Control {
            engine: Arc::new(engine),
            model,
            past,
            requests: Arc::new(WorkerRequests::new(ids)),
            jobs: Jobs::new(clock),
            remote_workers: false,
            runs: Arc::clone(&runs) as Arc<dyn RunSource>,
            confirmations: Arc::clone(&runs) as Arc<dyn Confirmations>,
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
        self.happened(organization_created(organization)).await;
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
            actor: user("test"),
            client_address: None,
        };
        let items = self.schema.subscribe_json(document, json!({}), principal);
        items.map(Result::unwrap)
    }

    /// The data of the answer.
    pub(crate) async fn ask(&self, document: &str, variables: Value) -> Value {
        let principal = Principal {
            actor: user("test"),
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

fn name(number: usize) -> String {
    format!("topic-{number:02}")
}

fn set_up(topics: usize) -> Vec<Event> {
    let names: Vec<_> = (0..topics).map(name).collect();
    vec![
        organization_created("acme"),
        member_added("ann", Role::Owner),
        keys_connected("main"),
        credential_rotated("main", 2),
        topics_gained("main", &names),
        pattern_granted("topic-*", to_acme(Access::Publish)),
    ]
}

fn listening(number: usize, endpoint: &str) -> Vec<Event> {
    let topic = topic_id(&name(number));
    let algorithm: AlgorithmId = format!("acme/score-{number}").parse().unwrap();
    let published = VersionPublished {
        algorithm: algorithm.clone(),
        version: "1.0.0".parse().unwrap(),
        endpoint: endpoint.to_owned(),
        protocol: Protocol::Raw,
        timeout_ms: 1,
        calls: Default::default(),
    };
    let enabled = ListenerEnabled {
        listener: listener_of(&algorithm, &topic),
        version: "1.0.0".parse().unwrap(),
        settings: ListenerSettings::starting(StartPosition::Latest),
        cause: None,
    };
    let mut events = vec![
        algorithm_registered(&algorithm),
        published.into(),
        granted(&topic, to_algorithm(&algorithm, Access::Subscribe)),
        enabled.into(),
    ];
    if number % 2 == 1 {
        events.push(version_withdrawn(&algorithm, "1.0.0"));
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
    let actor = match (event.subject(), cause) {
        (Subject::Worker(id), _) => Actor::Worker { id: *id },
        (_, Some(_)) => Actor::Policy {
            name: "orphans".to_owned(),
        },
        (_, None) => user("test"),
    };
    Meta {
        causation: cause.map_or(command.0, |cause| cause.0),
        ..testing::meta(actor, command)
    }
}
