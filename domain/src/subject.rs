//! What an event is about: the thing whose history it belongs to.

use crate::algorithm::Algorithm;
use crate::broker::Broker;
use crate::command::Keyed;
use crate::envelope::StreamName;
use crate::event::Event;
use crate::ids::{AlgorithmId, BrokerId, TopicId, WorkerId};
use crate::name::OrganizationName;
use crate::organization::Organization;
use crate::topic::Topic;

/// Something that has a stream of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    Organization(&'a OrganizationName),
    Algorithm(&'a AlgorithmId),
    Broker(&'a BrokerId),
    /// A topic's grants, listeners and publishers.
    Topic(&'a TopicId),
    Worker(&'a WorkerId),
}

impl Subject<'_> {
    /// The stream that holds its events.
    #[must_use]
    pub fn stream(&self) -> StreamName {
        match self {
            Self::Organization(name) => StreamName::organization(name),
            Self::Algorithm(id) => StreamName::algorithm(id),
            Self::Broker(id) => StreamName::broker(**id),
            Self::Topic(id) => StreamName::topic(id),
            Self::Worker(id) => StreamName::worker(**id),
        }
    }
}

impl Event {
    /// What the event is about.
    #[must_use]
    pub fn subject(&self) -> Subject<'_> {
        match self {
            Self::OrganizationCreated(e) => Subject::Organization(&e.name),
            Self::MemberAdded(e) => Subject::Organization(&e.organization),
            Self::MemberRoleChanged(e) => Subject::Organization(&e.organization),
            Self::MemberRemoved(e) => Subject::Organization(&e.organization),
            Self::AlgorithmRegistered(e) => Subject::Algorithm(&e.algorithm),
            Self::VersionPublished(e) => Subject::Algorithm(&e.algorithm),
            Self::VersionWithdrawn(e) => Subject::Algorithm(&e.algorithm),
            Self::AlgorithmRetired(e) => Subject::Algorithm(&e.algorithm),
            Self::BrokerConnected(e) => Subject::Broker(&e.broker),
            Self::BrokerCredentialsRotated(e) => Subject::Broker(&e.broker),
            Self::TopicsDiscovered(e) => Subject::Broker(&e.broker),
            Self::TopicPatternGranted(e) => Subject::Broker(&e.broker),
            Self::TopicPatternRevoked(e) => Subject::Broker(&e.broker),
            Self::BrokerReplaced(e) => Subject::Broker(&e.broker),
            Self::BrokerDisconnected(e) => Subject::Broker(&e.broker),
            Self::TopicGranted(e) => Subject::Topic(&e.topic),
            Self::TopicRevoked(e) => Subject::Topic(&e.topic),
            Self::ListenerEnabled(e) => Subject::Topic(&e.listener.topic),
            Self::ListenerVersionChanged(e) => Subject::Topic(&e.listener.topic),
            Self::ListenerSettingsChanged(e) => Subject::Topic(&e.listener.topic),
            Self::ListenerPaused(e) => Subject::Topic(&e.listener.topic),
            Self::ListenerResumed(e) => Subject::Topic(&e.listener.topic),
            Self::ListenerDisabled(e) => Subject::Topic(&e.listener.topic),
            Self::DlqSet(e) => Subject::Topic(&e.listener.topic),
            Self::DlqCleared(e) => Subject::Topic(&e.listener.topic),
            Self::PublisherEnabled(e) => Subject::Topic(&e.publisher.topic),
            Self::PublisherVersionChanged(e) => Subject::Topic(&e.publisher.topic),
            Self::PublisherDisabled(e) => Subject::Topic(&e.publisher.topic),
            Self::WorkerJoined(e) => Subject::Worker(&e.worker),
            Self::WorkerLeft(e) => Subject::Worker(&e.worker),
            Self::ConsumerStarted(e) => Subject::Worker(&e.worker),
            Self::ConsumerStopped(e) => Subject::Worker(&e.worker),
            Self::ConsumerFailed(e) => Subject::Worker(&e.worker),
            Self::ListenerBlocked(e) => Subject::Worker(&e.worker),
            Self::ListenerUnblocked(e) => Subject::Worker(&e.worker),
        }
    }
}

impl Keyed for Organization {
    type Key = OrganizationName;

    fn key(event: &Event) -> Option<&OrganizationName> {
        match event.subject() {
            Subject::Organization(name) => Some(name),
            _ => None,
        }
    }
}

impl Keyed for Algorithm {
    type Key = AlgorithmId;

    fn key(event: &Event) -> Option<&AlgorithmId> {
        match event.subject() {
            Subject::Algorithm(id) => Some(id),
            _ => None,
        }
    }
}

impl Keyed for Broker {
    type Key = BrokerId;

    fn key(event: &Event) -> Option<&BrokerId> {
        match event.subject() {
            Subject::Broker(id) => Some(id),
            _ => None,
        }
    }
}

impl Keyed for Topic {
    type Key = TopicId;

    fn key(event: &Event) -> Option<&TopicId> {
        match event.subject() {
            Subject::Topic(id) => Some(id),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::command::{Each, State};
    use crate::grant::Access;
    use crate::testing::{granted, topic_id};
    use crate::topic::Topic;

    #[test]
    fn each_topic_takes_its_own_events() {
        let mut topics = Each::<Topic>::default();
        topics.apply(&granted("orders", Access::Subscribe));
        assert_eq!(topics.get(&topic_id("orders")).grants.len(), 1);
        assert_eq!(topics.get(&topic_id("scores")), &Topic::default());
    }
}
