//! What happened, for histories: an algorithm `acme/score` between topics of a broker `main`.

use domain::algorithm::{AlgorithmRegistered, Protocol, VersionPublished, VersionWithdrawn};
use domain::broker::{
    BrokerConnected, BrokerSettings, DiscoveredTopic, KafkaSecurity, TopicsChanged,
};
use domain::grant::{
    Access, Grantee, Permission, TopicGranted, TopicPatternGranted, TopicPatternRevoked,
    TopicRevoked,
};
use domain::listener::{
    DlqSet, ListenerDisabled, ListenerEnabled, ListenerSettings, ListenerVersionChanged,
    StartPosition,
};
use domain::organization::OrganizationCreated;
use domain::publisher::PublisherEnabled;
use domain::worker::{ConsumerStarted, ListenerBlocked, WorkerJoined};
use domain::{AlgorithmId, BrokerId, Event, ListenerId, PublisherId, TopicId, WorkerId};
use uuid::Uuid;

pub(crate) fn broker() -> BrokerId {
    BrokerId::of_name(&"main".parse().unwrap(), 0)
}

pub(crate) fn algorithm() -> AlgorithmId {
    "acme/score".parse().unwrap()
}

pub(crate) fn topic(name: &str) -> TopicId {
    TopicId {
        broker: broker(),
        topic: name.parse().unwrap(),
    }
}

pub(crate) fn listener() -> ListenerId {
    ListenerId {
        topic: topic("orders"),
        algorithm: algorithm(),
    }
}

pub(crate) fn published(version: &str) -> Event {
    VersionPublished {
        algorithm: algorithm(),
        version: version.parse().unwrap(),
        endpoint: format!("http://127.0.0.1:9/{version}"),
        protocol: Protocol::Raw,
        timeout_ms: 1000,
    }
    .into()
}

pub(crate) fn permission(access: Access) -> Permission {
    Permission {
        grantee: Grantee::Algorithm(algorithm()),
        access,
    }
}

pub(crate) fn granted(name: &str, access: Access) -> Event {
    TopicGranted {
        topic: topic(name),
        permission: permission(access),
        cause: None,
    }
    .into()
}

pub(crate) fn enabled(version: &str) -> Event {
    ListenerEnabled {
        listener: listener(),
        version: version.parse().unwrap(),
        settings: ListenerSettings::starting(StartPosition::Earliest),
        cause: None,
    }
    .into()
}

/// A listener on `orders`, set up with the version selector.
pub(crate) fn flowing(version: &str) -> Vec<Event> {
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
            broker: broker(),
            name: "main".parse().unwrap(),
            settings: BrokerSettings::Kafka {
                bootstrap_servers: vec!["127.0.0.1:9092".to_owned()],
                security: KafkaSecurity::Plaintext,
            },
        }
        .into(),
        TopicsChanged::gained(broker(), topics.to_vec()).into(),
        granted("orders", Access::Subscribe),
        granted("scores", Access::Publish),
        granted("orders-dlq", Access::DeadLetter),
        enabled(version),
        DlqSet {
            listener: listener(),
            dlq: "orders-dlq".parse().unwrap(),
        }
        .into(),
    ]
}

pub(crate) fn everything() -> Vec<Event> {
    let worker = WorkerId(Uuid::from_u128(7));
    let mut events = flowing("1.0.0");
    events.extend([
        PublisherEnabled {
            publisher: PublisherId {
                topic: topic("scores"),
                algorithm: algorithm(),
            },
            version: "1.*".parse().unwrap(),
            cause: None,
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

pub(crate) fn revoked() -> Event {
    revoked_from("orders", permission(Access::Subscribe))
}

pub(crate) fn revoked_from(name: &str, permission: Permission) -> Event {
    TopicRevoked {
        topic: topic(name),
        permission,
        cause: None,
    }
    .into()
}

pub(crate) fn to_organization(access: Access) -> Permission {
    Permission {
        grantee: Grantee::Organization("acme".parse().unwrap()),
        access,
    }
}

pub(crate) fn pattern_granted(pattern: &str, permission: Permission) -> Event {
    TopicPatternGranted {
        broker: broker(),
        pattern: pattern.parse().unwrap(),
        permission,
        cause: None,
    }
    .into()
}

pub(crate) fn pattern_revoked(pattern: &str, permission: Permission) -> Event {
    TopicPatternRevoked {
        broker: broker(),
        pattern: pattern.parse().unwrap(),
        permission,
        cause: None,
    }
    .into()
}

pub(crate) fn withdrawn(version: &str) -> Event {
    VersionWithdrawn {
        algorithm: algorithm(),
        version: version.parse().unwrap(),
        reason: Some("it lies".to_owned()),
    }
    .into()
}

pub(crate) fn publisher() -> PublisherId {
    PublisherId {
        topic: topic("scores"),
        algorithm: algorithm(),
    }
}

pub(crate) fn publishes(version: &str) -> Event {
    PublisherEnabled {
        publisher: publisher(),
        version: version.parse().unwrap(),
        cause: None,
    }
    .into()
}
