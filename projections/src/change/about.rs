//! The things that an event itself names, and those whose counts it changes.

use domain::{AlgorithmId, Event, ListenerId, PublisherId, TopicId, Version};

use super::Thing;
use crate::grant::GrantKey;

pub(crate) fn about(event: &Event) -> Vec<Thing> {
    match event {
        Event::OrganizationCreated(e) => vec![Thing::Organization(e.name.clone())],
        Event::MemberAdded(e) => vec![Thing::Organization(e.organization.clone())],
        Event::MemberRoleChanged(e) => vec![Thing::Organization(e.organization.clone())],
        Event::MemberRemoved(e) => vec![Thing::Organization(e.organization.clone())],
        Event::AlgorithmRegistered(e) => vec![Thing::Algorithm(e.algorithm.clone())],
        Event::AlgorithmRetired(e) => vec![Thing::Algorithm(e.algorithm.clone())],
        Event::VersionPublished(e) => version(&e.algorithm, &e.version),
        Event::VersionWithdrawn(e) => version(&e.algorithm, &e.version),
        Event::BrokerConnected(e) => vec![Thing::Broker(e.broker)],
        Event::BrokerCredentialsRotated(e) => vec![Thing::Broker(e.broker)],
        Event::TopicsDiscovered(e) => vec![Thing::Broker(e.broker)],
        Event::BrokerDisconnected(e) => vec![Thing::Broker(e.broker)],
        Event::BrokerReplaced(e) => vec![Thing::Broker(e.broker), Thing::Broker(e.replacement)],
        Event::TopicGranted(e) => granted(&e.topic, GrantKey::of_topic(&e.topic, &e.permission)),
        Event::TopicRevoked(e) => granted(&e.topic, GrantKey::of_topic(&e.topic, &e.permission)),
        Event::TopicPatternGranted(e) => {
            let key = GrantKey::of_pattern(e.broker, &e.pattern, &e.permission);
            vec![Thing::Grant(key), Thing::Broker(e.broker)]
        }
        Event::TopicPatternRevoked(e) => {
            let key = GrantKey::of_pattern(e.broker, &e.pattern, &e.permission);
            vec![Thing::Grant(key), Thing::Broker(e.broker)]
        }
        Event::ListenerEnabled(e) => counted_listener(&e.listener),
        Event::ListenerDisabled(e) => counted_listener(&e.listener),
        Event::ListenerVersionChanged(e) => vec![Thing::Listener(e.listener.clone())],
        Event::ListenerSettingsChanged(e) => vec![Thing::Listener(e.listener.clone())],
        Event::ListenerPaused(e) => vec![Thing::Listener(e.listener.clone())],
        Event::ListenerResumed(e) => vec![Thing::Listener(e.listener.clone())],
        Event::DlqSet(e) => vec![Thing::Listener(e.listener.clone())],
        Event::DlqCleared(e) => vec![Thing::Listener(e.listener.clone())],
        Event::ConsumerStarted(e) => consumer(&e.listener),
        Event::ConsumerStopped(e) => consumer(&e.listener),
        Event::ConsumerFailed(e) => consumer(&e.listener),
        Event::ListenerBlocked(e) => consumer(&e.listener),
        Event::ListenerUnblocked(e) => consumer(&e.listener),
        Event::PublisherEnabled(e) => counted_publisher(&e.publisher),
        Event::PublisherDisabled(e) => counted_publisher(&e.publisher),
        Event::PublisherVersionChanged(e) => vec![Thing::Publisher(e.publisher.clone())],
        Event::WorkerJoined(_) | Event::WorkerLeft(_) => Vec::new(),
    }
}

fn version(algorithm: &AlgorithmId, version: &Version) -> Vec<Thing> {
    vec![
        Thing::Version(algorithm.clone(), version.clone()),
        Thing::Algorithm(algorithm.clone()),
    ]
}

fn granted(topic: &TopicId, key: GrantKey) -> Vec<Thing> {
    vec![
        Thing::Grant(key),
        Thing::Topic(topic.clone()),
        Thing::Broker(topic.broker),
    ]
}

/// A broker's status counts the consumers on it.
fn consumer(id: &ListenerId) -> Vec<Thing> {
    vec![Thing::Listener(id.clone()), Thing::Broker(id.topic.broker)]
}

fn counted_listener(id: &ListenerId) -> Vec<Thing> {
    vec![
        Thing::Listener(id.clone()),
        Thing::Topic(id.topic.clone()),
        Thing::Broker(id.topic.broker),
    ]
}

fn counted_publisher(id: &PublisherId) -> Vec<Thing> {
    vec![
        Thing::Publisher(id.clone()),
        Thing::Topic(id.topic.clone()),
        Thing::Broker(id.topic.broker),
    ]
}
