//! A log with a large inventory, appended event by event, as commands would have.

use std::path::Path;
use std::sync::Arc;

use domain::algorithm::{AlgorithmRegistered, Protocol, VersionPublished};
use domain::broker::{BrokerConnected, BrokerSettings, DiscoveredTopic, SqsAuth, TopicsChanged};
use domain::grant::{Access, Grantee, Permission, TopicGranted};
use domain::listener::{
    ListenerEnabled, ListenerPaused, ListenerSettings, ListenerSettingsChanged, StartPosition,
};
use domain::organization::OrganizationCreated;
use domain::{
    Actor, AlgorithmId, BrokerId, CommandId, CorrelationId, Event, Ids, ListenerId, Meta,
    StreamName, TopicId, codec,
};
use event_store::{Append, EventStore, Expected};
use futures_util::{StreamExt, stream};
use server::environment::{RandomIds, SystemClock};

/// The algorithms that the topics are granted to, in turn.
pub(super) const ALGORITHMS: usize = 1_000;

/// Appends at once.
const FILLERS: usize = 256;

/// The events of a topic beside its listener's changes: granted, enabled, paused.
const TOPIC: usize = 3;

/// How much there is.
#[derive(Clone, Copy)]
pub(super) struct Size {
    pub(super) brokers: usize,
    /// Of each broker.
    pub(super) topics: usize,
    /// In all.
    pub(super) listeners: usize,
    /// At least about so many, by changing the settings of the listeners.
    pub(super) events: usize,
}

impl Size {
    fn all_topics(&self) -> usize {
        self.brokers * self.topics
    }

    /// How often the settings of each listener are changed.
    fn changes(&self) -> usize {
        let fixed = self.all_topics() + 2 * (self.listeners + self.brokers + ALGORITHMS);
        self.events.saturating_sub(fixed).div_ceil(self.listeners)
    }

    /// The first of so many topics has a listener.
    fn spacing(&self) -> usize {
        self.all_topics() / self.listeners
    }
}

/// Fills the log of an empty data directory, and answers how many events it has.
pub(super) async fn fill(data: &Path, size: &Size) -> u64 {
    assert!(size.listeners <= size.all_topics());
    let clock = Arc::new(SystemClock);
    let store = server::log::open(None, data, clock).await.unwrap();
    let organization = OrganizationCreated {
        name: "acme".parse().unwrap(),
    };
    let stream = StreamName::organization(&organization.name);
    append(&*store, stream, &[organization.into()]).await;
    append_each(&*store, ALGORITHMS, published).await;
    append_each(&*store, size.brokers, |number| {
        connected(number, size.topics)
    })
    .await;
    append_each(&*store, size.all_topics(), |number| granted(number, size)).await;
    store.head().await.unwrap().0
}

async fn append_each(
    store: &dyn EventStore,
    count: usize,
    make: impl Fn(usize) -> (StreamName, Vec<Event>) + Send + Sync,
) {
    stream::iter(0..count)
        .for_each_concurrent(FILLERS, async |number| {
            let (stream, events) = make(number);
            append(store, stream, &events).await;
        })
        .await;
}

pub(super) fn algorithm(number: usize) -> AlgorithmId {
    format!("acme/score-{number}").parse().unwrap()
}

fn broker(number: usize) -> BrokerId {
    BrokerId::of_name(&broker_name(number).parse().unwrap(), 0)
}

fn broker_name(number: usize) -> String {
    format!("broker-{number:03}")
}

fn topic(number: usize) -> String {
    format!("orders-{number:05}")
}

fn published(number: usize) -> (StreamName, Vec<Event>) {
    let algorithm = algorithm(number);
    let registered = AlgorithmRegistered {
        algorithm: algorithm.clone(),
        description: "Scores orders.".to_owned(),
    };
    let published = VersionPublished {
        algorithm: algorithm.clone(),
        version: "1.0.0".parse().unwrap(),
        endpoint: "http://localhost:9/".to_owned(),
        protocol: Protocol::Raw,
        timeout_ms: 1_000,
        calls: Default::default(),
    };
    let stream = StreamName::algorithm(&algorithm);
    (stream, vec![registered.into(), published.into()])
}

/// Of a kind that needs no server: nothing is consumed here.
fn connected(number: usize, topics: usize) -> (StreamName, Vec<Event>) {
    let broker = broker(number);
    let connected = BrokerConnected {
        broker,
        name: broker_name(number).parse().unwrap(),
        settings: BrokerSettings::Sqs {
            region: "eu-central-1".to_owned(),
            endpoint: None,
            auth: SqsAuth::DefaultChain,
        },
    };
    let listed = (0..topics).map(|number| DiscoveredTopic {
        name: topic(number).parse().unwrap(),
        partitions: None,
    });
    let discovered = TopicsChanged::gained(broker, listed.collect());
    let stream = StreamName::broker(broker);
    (stream, vec![connected.into(), discovered.into()])
}

/// A topic with its grant, and where it has a listener, that listener with its history. It is
/// paused, so that no worker tries to serve it.
fn granted(number: usize, size: &Size) -> (StreamName, Vec<Event>) {
    let id = TopicId {
        broker: broker(number / size.topics),
        topic: topic(number % size.topics).parse().unwrap(),
    };
    let listener = ListenerId {
        topic: id.clone(),
        algorithm: algorithm(number / size.spacing() % ALGORITHMS),
    };
    let stream = StreamName::topic(&id);
    let mut events: Vec<Event> = Vec::with_capacity(TOPIC + size.changes());
    let granted = TopicGranted {
        topic: id,
        permission: Permission {
            grantee: Grantee::Algorithm(listener.algorithm.clone()),
            access: Access::Subscribe,
        },
        cause: None,
    };
    events.push(granted.into());
    if !number.is_multiple_of(size.spacing()) {
        return (stream, events);
    }
    let mut settings = ListenerSettings::starting(StartPosition::Latest);
    let enabled = ListenerEnabled {
        listener: listener.clone(),
        version: "1.*".parse().unwrap(),
        settings: settings.clone(),
        cause: None,
    };
    events.push(enabled.into());
    let paused = ListenerPaused {
        listener: listener.clone(),
    };
    events.push(paused.into());
    for change in 0..size.changes() {
        settings.concurrency = 1 + u32::try_from(change % 64).unwrap();
        let changed = ListenerSettingsChanged {
            listener: listener.clone(),
            settings: settings.clone(),
        };
        events.push(changed.into());
    }
    (stream, events)
}

async fn append(store: &dyn EventStore, stream: StreamName, events: &[Event]) {
    let command = CommandId(RandomIds.next());
    let append = Append {
        stream,
        expected: Expected::NoStream,
        command,
        fingerprint: [0; 32],
        meta: Meta {
            actor: Actor::User {
                name: "bench".to_owned(),
            },
            correlation: CorrelationId(command.0),
            causation: command.0,
            client_address: None,
        },
        events: codec::encode(command, events),
    };
    store.append(append).await.unwrap();
}
