//! Events that leave so many of everything behind.

use domain::algorithm::{AlgorithmRegistered, Protocol, VersionPublished};
use domain::broker::{BrokerConnected, BrokerSettings, DiscoveredTopic, SqsAuth, TopicsChanged};
use domain::grant::{Access, Grantee, Permission, TopicGranted, TopicPatternGranted};
use domain::listener::{DlqSet, ListenerEnabled, ListenerSettings, StartPosition};
use domain::organization::{MemberAdded, OrganizationCreated, Role};
use domain::publisher::{PublisherDisabled, PublisherEnabled};
use domain::worker::{ConsumerStarted, WorkerJoined};
use domain::{
    AlgorithmId, BrokerId, CommandId, Event, EventId, ListenerId, PublisherId, TopicId, WorkerId,
};
use uuid::Uuid;

/// So many organizations, each with an algorithm, a broker and a worker of its own.
pub(crate) fn crowd(count: usize) -> Vec<Event> {
    (0..count).flat_map(one).collect()
}

fn one(number: usize) -> Vec<Event> {
    let mut events = algorithm(number);
    events.extend(broker(number));
    events.extend(flow(number));
    // The event before the policy's is its cause: each is a command of its own, by its number.
    let cause = number * (events.len() + 1) + events.len();
    let publisher = publisher(number);
    let cause = Some(EventId::of_command(
        CommandId(Uuid::from_u128(cause as u128)),
        0,
    ));
    events.push(PublisherDisabled { publisher, cause }.into());
    events
}

fn algorithm_id(number: usize) -> AlgorithmId {
    format!("org-{number:02}/score").parse().unwrap()
}

fn topic(number: usize, name: &str) -> TopicId {
    TopicId {
        broker: BrokerId::of_name(&format!("broker-{number:02}").parse().unwrap(), 0),
        topic: name.parse().unwrap(),
    }
}

fn listener(number: usize) -> ListenerId {
    ListenerId {
        topic: topic(number, "orders"),
        algorithm: algorithm_id(number),
    }
}

fn publisher(number: usize) -> PublisherId {
    PublisherId {
        topic: topic(number, "scores"),
        algorithm: algorithm_id(number),
    }
}

fn worker(number: usize) -> WorkerId {
    WorkerId(Uuid::from_u128(number as u128 + 1))
}

fn algorithm(number: usize) -> Vec<Event> {
    let algorithm = algorithm_id(number);
    vec![
        OrganizationCreated {
            name: algorithm.organization.clone(),
        }
        .into(),
        MemberAdded {
            organization: algorithm.organization.clone(),
            member: "ann".parse().unwrap(),
            role: Role::Owner,
        }
        .into(),
        AlgorithmRegistered {
            algorithm: algorithm.clone(),
            description: String::new(),
        }
        .into(),
        VersionPublished {
            algorithm,
            version: "1.0.0".parse().unwrap(),
            endpoint: "http://h/".to_owned(),
            protocol: Protocol::Raw,
            timeout_ms: 1,
        }
        .into(),
    ]
}

fn broker(number: usize) -> Vec<Event> {
    let broker = topic(number, "orders").broker;
    let listed = ["orders", "scores", "orders-dlq"].map(|name| DiscoveredTopic {
        name: name.parse().unwrap(),
        partitions: None,
    });
    vec![
        BrokerConnected {
            broker,
            name: format!("broker-{number:02}").parse().unwrap(),
            settings: BrokerSettings::Sqs {
                region: "eu-central-1".to_owned(),
                endpoint: None,
                auth: SqsAuth::DefaultChain,
            },
        }
        .into(),
        TopicsChanged::gained(broker, listed.to_vec()).into(),
        TopicPatternGranted {
            broker,
            pattern: "*".parse().unwrap(),
            permission: Permission {
                grantee: Grantee::Organization(algorithm_id(number).organization),
                access: Access::Publish,
            },
            cause: None,
        }
        .into(),
    ]
}

fn flow(number: usize) -> Vec<Event> {
    let (listener, worker) = (listener(number), worker(number));
    let version = "1.0.0".parse().unwrap();
    vec![
        TopicGranted {
            topic: listener.topic.clone(),
            permission: Permission {
                grantee: Grantee::Algorithm(listener.algorithm.clone()),
                access: Access::Subscribe,
            },
            cause: None,
        }
        .into(),
        ListenerEnabled {
            listener: listener.clone(),
            version: "1.0.0".parse().unwrap(),
            settings: ListenerSettings::starting(StartPosition::Latest),
            cause: None,
        }
        .into(),
        DlqSet {
            listener: listener.clone(),
            dlq: "orders-dlq".parse().unwrap(),
        }
        .into(),
        PublisherEnabled {
            publisher: publisher(number),
            version,
            cause: None,
        }
        .into(),
        WorkerJoined { worker }.into(),
        ConsumerStarted { worker, listener }.into(),
    ]
}
