//! Given events, when a command, then events or a refusal; and short names for common events.

use jiff::Timestamp;

use crate::algorithm::{
    AlgorithmRegistered, AlgorithmRetired, Protocol, VersionPublished, VersionWithdrawn,
};
use crate::broker::{
    BrokerConnected, BrokerDisconnected, BrokerSettings, DiscoveredTopic, KafkaSecurity, SqsAuth,
    TopicsChanged,
};
use crate::command::{Command, Ctx, Decided, State};
use crate::event::Event;
use crate::grant::{
    Access, Grantee, Permission, TopicGranted, TopicPatternGranted, TopicPatternRevoked,
    TopicRevoked,
};
use crate::ids::{BrokerId, ListenerId, PublisherId, TopicId, WorkerId};
use crate::listener::{
    DlqSet, ListenerDisabled, ListenerEnabled, ListenerPaused, ListenerResumed, ListenerSettings,
    StartPosition,
};
use crate::organization::{MemberAdded, OrganizationCreated, Role};
use crate::publisher::PublisherEnabled;
use crate::refusal::Refusal;
use crate::worker::WorkerJoined;

pub(crate) struct Given(Vec<Event>);

pub(crate) struct Outcome(Decided);

pub(crate) fn given(events: impl IntoIterator<Item = Event>) -> Given {
    Given(events.into_iter().collect())
}

impl Given {
    pub(crate) fn and(mut self, events: impl IntoIterator<Item = Event>) -> Self {
        self.0.extend(events);
        self
    }

    pub(crate) fn when<C: Command>(self, command: C) -> Outcome {
        let mut state = C::State::default();
        for event in &self.0 {
            state.apply(event);
        }
        let ctx = Ctx {
            now: Timestamp::UNIX_EPOCH,
        };
        Outcome(command.decide(&state, ctx))
    }
}

impl Outcome {
    #[track_caller]
    pub(crate) fn then(self, events: impl IntoIterator<Item = Event>) {
        assert_eq!(self.0, Ok(events.into_iter().collect()));
    }

    #[track_caller]
    pub(crate) fn then_refused(self, refusal: Refusal) {
        assert_eq!(self.0, Err(refusal));
    }
}

/// The broker `main` with the topics orders, orders-dlq and scores, and acme/score 1.0.0.
pub(crate) fn ready() -> Vec<Event> {
    vec![
        broker_connected("main"),
        topics_gained("main", &["orders", "orders-dlq", "scores"]),
        organization_created("acme"),
        algorithm_registered("acme/score"),
        version_published("acme/score", "1.0.0"),
    ]
}

pub(crate) fn organization_created(name: &str) -> Event {
    OrganizationCreated {
        name: name.parse().unwrap(),
    }
    .into()
}

/// A member of acme.
pub(crate) fn member_added(member: &str, role: Role) -> Event {
    MemberAdded {
        organization: "acme".parse().unwrap(),
        member: member.parse().unwrap(),
        role,
    }
    .into()
}

pub(crate) fn algorithm_registered(algorithm: &str) -> Event {
    AlgorithmRegistered {
        algorithm: algorithm.parse().unwrap(),
        description: String::new(),
    }
    .into()
}

pub(crate) fn version_published(algorithm: &str, version: &str) -> Event {
    VersionPublished {
        algorithm: algorithm.parse().unwrap(),
        version: version.parse().unwrap(),
        endpoint: "http://127.0.0.1:9000/score".to_owned(),
        protocol: Protocol::Raw,
        timeout_ms: 30_000,
    }
    .into()
}

pub(crate) fn version_withdrawn(algorithm: &str, version: &str) -> Event {
    VersionWithdrawn {
        algorithm: algorithm.parse().unwrap(),
        version: version.parse().unwrap(),
        reason: Some("it was wrong".to_owned()),
    }
    .into()
}

pub(crate) fn algorithm_retired(algorithm: &str) -> Event {
    AlgorithmRetired {
        algorithm: algorithm.parse().unwrap(),
    }
    .into()
}

pub(crate) fn broker_id(name: &str) -> BrokerId {
    BrokerId::of_name(&name.parse().unwrap(), 0)
}

pub(crate) fn broker_connected(name: &str) -> Event {
    BrokerConnected {
        broker: broker_id(name),
        name: name.parse().unwrap(),
        settings: BrokerSettings::Kafka {
            bootstrap_servers: vec!["127.0.0.1:9092".to_owned()],
            security: KafkaSecurity::Plaintext,
        },
    }
    .into()
}

/// A broker whose topics are queues.
pub(crate) fn queues_connected(name: &str) -> Event {
    BrokerConnected {
        broker: broker_id(name),
        name: name.parse().unwrap(),
        settings: BrokerSettings::Sqs {
            region: "eu-west-1".to_owned(),
            endpoint: None,
            auth: SqsAuth::DefaultChain,
        },
    }
    .into()
}

pub(crate) fn broker_disconnected(name: &str) -> Event {
    BrokerDisconnected {
        broker: broker_id(name),
    }
    .into()
}

pub(crate) fn discovered(topics: &[&str]) -> Vec<DiscoveredTopic> {
    topics
        .iter()
        .map(|topic| DiscoveredTopic {
            name: topic.parse().unwrap(),
            partitions: Some(1),
        })
        .collect()
}

pub(crate) fn topics_gained(broker: &str, topics: &[&str]) -> Event {
    TopicsChanged::gained(broker_id(broker), discovered(topics)).into()
}

pub(crate) fn topic_id(topic: &str) -> TopicId {
    TopicId {
        broker: broker_id("main"),
        topic: topic.parse().unwrap(),
    }
}

pub(crate) fn permission(algorithm: &str, access: Access) -> Permission {
    Permission {
        grantee: Grantee::Algorithm(algorithm.parse().unwrap()),
        access,
    }
}

pub(crate) fn granted(topic: &str, access: Access) -> Event {
    TopicGranted {
        topic: topic_id(topic),
        permission: permission("acme/score", access),
        cause: None,
    }
    .into()
}

pub(crate) fn revoked(topic: &str, access: Access) -> Event {
    TopicRevoked {
        topic: topic_id(topic),
        permission: permission("acme/score", access),
        cause: None,
    }
    .into()
}

pub(crate) fn pattern_granted(pattern: &str, access: Access) -> Event {
    TopicPatternGranted {
        broker: broker_id("main"),
        pattern: pattern.parse().unwrap(),
        permission: permission("acme/score", access),
        cause: None,
    }
    .into()
}

pub(crate) fn pattern_revoked(pattern: &str, access: Access) -> Event {
    TopicPatternRevoked {
        broker: broker_id("main"),
        pattern: pattern.parse().unwrap(),
        permission: permission("acme/score", access),
        cause: None,
    }
    .into()
}

pub(crate) fn listener_id(topic: &str) -> ListenerId {
    ListenerId {
        topic: topic_id(topic),
        algorithm: "acme/score".parse().unwrap(),
    }
}

pub(crate) fn listener_enabled(topic: &str, version: &str) -> Event {
    ListenerEnabled {
        listener: listener_id(topic),
        version: version.parse().unwrap(),
        settings: ListenerSettings::starting(StartPosition::Earliest),
        cause: None,
    }
    .into()
}

pub(crate) fn listener_paused(topic: &str) -> Event {
    ListenerPaused {
        listener: listener_id(topic),
    }
    .into()
}

pub(crate) fn listener_resumed(topic: &str) -> Event {
    ListenerResumed {
        listener: listener_id(topic),
    }
    .into()
}

pub(crate) fn listener_disabled(topic: &str) -> Event {
    ListenerDisabled {
        listener: listener_id(topic),
        cause: None,
    }
    .into()
}

pub(crate) fn dlq_set(topic: &str, dlq: &str) -> Event {
    DlqSet {
        listener: listener_id(topic),
        dlq: dlq.parse().unwrap(),
    }
    .into()
}

pub(crate) fn publisher_id(topic: &str) -> PublisherId {
    PublisherId {
        topic: topic_id(topic),
        algorithm: "acme/score".parse().unwrap(),
    }
}

pub(crate) fn publisher_enabled(topic: &str, version: &str) -> Event {
    PublisherEnabled {
        publisher: publisher_id(topic),
        version: version.parse().unwrap(),
        cause: None,
    }
    .into()
}

pub(crate) fn worker_id() -> WorkerId {
    WorkerId(uuid::Uuid::from_u128(7))
}

pub(crate) fn worker_joined() -> Event {
    WorkerJoined {
        worker: worker_id(),
    }
    .into()
}
