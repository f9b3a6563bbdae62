//! What happened, in short words.

use super::ids::{JOURNAL, Means, WORKER, credential};
use crate::algorithm::{
    AlgorithmRegistered, AlgorithmRetired, CallSettings, Protocol, VersionPublished,
    VersionWithdrawn,
};
use crate::broker::{
    BrokerConnected, BrokerCredentialsRotated, BrokerDisconnected, BrokerReplaced, BrokerSettings,
    DiscoveredTopic, KafkaSecurity, SqsAuth, TopicsChanged,
};
use crate::event::Event;
use crate::grant::{
    Permission, TopicGranted, TopicPatternGranted, TopicPatternRevoked, TopicRevoked,
};
use crate::listener::{
    DlqSet, ListenerDisabled, ListenerEnabled, ListenerPaused, ListenerPositionReset,
    ListenerResumed, ListenerSettings, ListenerVersionChanged, ResetTarget, StartPosition,
};
use crate::organization::{MemberAdded, MemberRoleChanged, OrganizationCreated, Role};
use crate::publisher::{PublisherDisabled, PublisherEnabled};
use crate::worker::WorkerJoined;
use crate::{AlgorithmId, BrokerId, ListenerId, PublisherId, TopicId, WorkerId};

/// The broker `main` with the topics orders, orders-dlq and scores, and acme/score 1.0.0.
pub fn ready() -> Vec<Event> {
    vec![
        broker_connected("main"),
        topics_gained("main", &["orders", "orders-dlq", "scores"]),
        organization_created("acme"),
        algorithm_registered("acme/score"),
        version_published("acme/score", "1.0.0"),
    ]
}

pub fn organization_created(name: &str) -> Event {
    OrganizationCreated {
        name: name.parse().unwrap(),
    }
    .into()
}

/// A member of acme.
pub fn member_added(member: &str, role: Role) -> Event {
    MemberAdded {
        organization: "acme".parse().unwrap(),
        member: member.parse().unwrap(),
        role,
    }
    .into()
}

/// A member of acme.
pub fn member_role_changed(member: &str, role: Role) -> Event {
    MemberRoleChanged {
        organization: "acme".parse().unwrap(),
        member: member.parse().unwrap(),
        role,
    }
    .into()
}

pub fn algorithm_registered(algorithm: impl Means<AlgorithmId>) -> Event {
    AlgorithmRegistered {
        algorithm: algorithm.meant(),
        description: String::new(),
    }
    .into()
}

/// A version with an endpoint of its own.
pub fn version_published(algorithm: impl Means<AlgorithmId>, version: &str) -> Event {
    VersionPublished {
        algorithm: algorithm.meant(),
        version: version.parse().unwrap(),
        endpoint: format!("http://127.0.0.1:9000/{version}"),
        protocol: Protocol::Raw,
        timeout_ms: 30_000,
        calls: CallSettings::default(),
    }
    .into()
}

pub fn version_withdrawn(algorithm: impl Means<AlgorithmId>, version: &str) -> Event {
    VersionWithdrawn {
        algorithm: algorithm.meant(),
        version: version.parse().unwrap(),
        reason: Some("it was wrong".to_owned()),
    }
    .into()
}

pub fn algorithm_retired(algorithm: impl Means<AlgorithmId>) -> Event {
    AlgorithmRetired {
        algorithm: algorithm.meant(),
    }
    .into()
}

pub fn broker_connected(name: &str) -> Event {
    connected(name, kafka())
}

/// A broker whose topics are queues.
pub fn queues_connected(name: &str) -> Event {
    connected(name, sqs(SqsAuth::DefaultChain))
}

/// A broker whose topics are queues, by the first version of a credential.
pub fn keys_connected(name: &str) -> Event {
    let credential = credential(1);
    connected(name, sqs(SqsAuth::StaticKeys { credential }))
}

fn connected(name: &str, settings: BrokerSettings) -> Event {
    BrokerConnected {
        broker: name.meant(),
        name: name.parse().unwrap(),
        settings,
    }
    .into()
}

pub fn kafka() -> BrokerSettings {
    BrokerSettings::Kafka {
        bootstrap_servers: vec!["127.0.0.1:9092".to_owned()],
        security: KafkaSecurity::Plaintext,
    }
}

pub fn sqs(auth: SqsAuth) -> BrokerSettings {
    BrokerSettings::Sqs {
        region: "eu-central-1".to_owned(),
        endpoint: None,
        auth,
    }
}

pub fn credential_rotated(broker: impl Means<BrokerId>, version: u32) -> Event {
    BrokerCredentialsRotated {
        broker: broker.meant(),
        credential: credential(version),
    }
    .into()
}

pub fn broker_disconnected(broker: impl Means<BrokerId>) -> Event {
    BrokerDisconnected {
        broker: broker.meant(),
    }
    .into()
}

/// A broker with all that it had, which goes on where it was.
pub fn broker_replaced(broker: impl Means<BrokerId>, replacement: impl Means<BrokerId>) -> Event {
    BrokerReplaced {
        broker: broker.meant(),
        replacement: replacement.meant(),
        left_behind: vec![],
        start: None,
    }
    .into()
}

/// Topics with one partition each.
pub fn discovered(topics: &[impl AsRef<str>]) -> Vec<DiscoveredTopic> {
    let topics = topics.iter().map(|topic| DiscoveredTopic {
        name: topic.as_ref().parse().unwrap(),
        partitions: Some(1),
    });
    topics.collect()
}

pub fn topics_gained(broker: impl Means<BrokerId>, topics: &[impl AsRef<str>]) -> Event {
    TopicsChanged::gained(broker.meant(), discovered(topics)).into()
}

pub fn granted(topic: impl Means<TopicId>, permission: impl Means<Permission>) -> Event {
    TopicGranted {
        topic: topic.meant(),
        permission: permission.meant(),
        cause: None,
    }
    .into()
}

pub fn revoked(topic: impl Means<TopicId>, permission: impl Means<Permission>) -> Event {
    TopicRevoked {
        topic: topic.meant(),
        permission: permission.meant(),
        cause: None,
    }
    .into()
}

/// A pattern of the broker `main`.
pub fn pattern_granted(pattern: &str, permission: impl Means<Permission>) -> Event {
    pattern_granted_on("main", pattern, permission)
}

pub fn pattern_granted_on(
    broker: impl Means<BrokerId>,
    pattern: &str,
    permission: impl Means<Permission>,
) -> Event {
    TopicPatternGranted {
        broker: broker.meant(),
        pattern: pattern.parse().unwrap(),
        permission: permission.meant(),
        cause: None,
    }
    .into()
}

/// A pattern of the broker `main`.
pub fn pattern_revoked(pattern: &str, permission: impl Means<Permission>) -> Event {
    TopicPatternRevoked {
        broker: "main".meant(),
        pattern: pattern.parse().unwrap(),
        permission: permission.meant(),
        cause: None,
    }
    .into()
}

/// A listener that starts at the earliest message.
pub fn listener_enabled(listener: impl Means<ListenerId>, version: &str) -> Event {
    ListenerEnabled {
        listener: listener.meant(),
        version: version.parse().unwrap(),
        settings: ListenerSettings::starting(StartPosition::Earliest),
        cause: None,
    }
    .into()
}

pub fn listener_version_changed(listener: impl Means<ListenerId>, version: &str) -> Event {
    ListenerVersionChanged {
        listener: listener.meant(),
        version: version.parse().unwrap(),
    }
    .into()
}

pub fn listener_paused(listener: impl Means<ListenerId>) -> Event {
    ListenerPaused {
        listener: listener.meant(),
    }
    .into()
}

pub fn listener_resumed(listener: impl Means<ListenerId>) -> Event {
    ListenerResumed {
        listener: listener.meant(),
    }
    .into()
}

pub fn position_reset(listener: impl Means<ListenerId>, to: ResetTarget) -> Event {
    ListenerPositionReset {
        listener: listener.meant(),
        to,
    }
    .into()
}

pub fn listener_disabled(listener: impl Means<ListenerId>) -> Event {
    ListenerDisabled {
        listener: listener.meant(),
        cause: None,
    }
    .into()
}

pub fn dlq_set(listener: impl Means<ListenerId>, dlq: &str) -> Event {
    DlqSet {
        listener: listener.meant(),
        dlq: dlq.parse().unwrap(),
    }
    .into()
}

pub fn publisher_enabled(publisher: impl Means<PublisherId>, version: &str) -> Event {
    PublisherEnabled {
        publisher: publisher.meant(),
        version: version.parse().unwrap(),
        cause: None,
    }
    .into()
}

pub fn publisher_disabled(publisher: impl Means<PublisherId>) -> Event {
    PublisherDisabled {
        publisher: publisher.meant(),
        cause: None,
    }
    .into()
}

pub fn worker_joined() -> Event {
    joined(WORKER)
}

/// One that decides in [`JOURNAL`].
pub fn joined(worker: WorkerId) -> Event {
    WorkerJoined {
        worker,
        journal: JOURNAL,
    }
    .into()
}
