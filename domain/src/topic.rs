//! A topic's grants, listeners and publishers. They share one stream, so that "no listener
//! without a grant" is decided in one append.

use std::collections::{BTreeMap, BTreeSet};

use crate::broker::{Broker, Phase};
use crate::command::{Keyed, State};
use crate::event::{
    Event, of_algorithm, of_broker, of_cluster, of_command, of_organization, of_worker,
};
use crate::grant::{Access, Permission};
use crate::ids::{AlgorithmId, TopicId};
use crate::listener::{ListenerEnabled, ListenerSettings};
use crate::name::TopicName;
use crate::refusal::Refusal;
use crate::thing::Subject;
use crate::version::VersionSelector;

/// A topic as its stream tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topic {
    /// Given on this very topic; patterns of its broker may permit more.
    pub grants: BTreeSet<Permission>,
    /// The enabled ones, including those that are paused.
    pub listeners: BTreeMap<AlgorithmId, EnabledListener>,
    /// The enabled ones, with the version whose results they take.
    pub publishers: BTreeMap<AlgorithmId, VersionSelector>,
}

/// An enabled listener as its events tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnabledListener {
    pub version: VersionSelector,
    pub settings: ListenerSettings,
    pub dlq: Option<TopicName>,
    pub paused: bool,
}

impl Topic {
    /// Whether the topic has no grant, listener or publisher.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.grants.is_empty() && self.listeners.is_empty() && self.publishers.is_empty()
    }

    /// Whether `algorithm` is permitted that access: by a grant on the topic, to it or to its
    /// organization, or by a pattern of the topic's broker.
    #[must_use]
    pub fn permits(
        &self,
        topic: &TopicName,
        algorithm: &AlgorithmId,
        access: Access,
        broker: &Broker,
    ) -> bool {
        self.grants.iter().any(|p| p.covers(algorithm, access))
            || broker.permits(topic, algorithm, access)
    }

    /// Whether `algorithm` is permitted and the broker is connected: what a listener or a
    /// publisher needs of both to stay enabled.
    #[must_use]
    pub fn may_stay_enabled(
        &self,
        topic: &TopicName,
        algorithm: &AlgorithmId,
        access: Access,
        broker: &Broker,
    ) -> bool {
        broker.phase == Phase::Connected && self.permits(topic, algorithm, access, broker)
    }

    /// Refuses unless `algorithm` is permitted.
    pub(crate) fn check_granted(
        &self,
        topic: &TopicId,
        algorithm: &AlgorithmId,
        access: Access,
        broker: &Broker,
    ) -> Result<(), Refusal> {
        if self.permits(&topic.topic, algorithm, access, broker) {
            return Ok(());
        }
        Err(Refusal::NotGranted {
            topic: topic.clone(),
            algorithm: algorithm.clone(),
            access,
        })
    }

    /// Whether the topic may take faulty messages of `algorithm`.
    #[must_use]
    pub fn permits_dead_letters(
        &self,
        topic: &TopicName,
        algorithm: &AlgorithmId,
        broker: &Broker,
    ) -> bool {
        Access::TAKING_DEAD_LETTERS
            .into_iter()
            .any(|access| self.permits(topic, algorithm, access, broker))
    }

    /// The enabled listener of `algorithm`, or the refusal.
    pub(crate) fn listener(&self, algorithm: &AlgorithmId) -> Result<&EnabledListener, Refusal> {
        self.listeners
            .get(algorithm)
            .ok_or(Refusal::ListenerNotEnabled)
    }

    /// The version of the enabled publisher of `algorithm`, or the refusal.
    pub(crate) fn publisher(&self, algorithm: &AlgorithmId) -> Result<&VersionSelector, Refusal> {
        self.publishers
            .get(algorithm)
            .ok_or(Refusal::PublisherNotEnabled)
    }

    fn change_listener(
        &mut self,
        algorithm: &AlgorithmId,
        change: impl FnOnce(&mut EnabledListener),
    ) {
        if let Some(listener) = self.listeners.get_mut(algorithm) {
            change(listener);
        }
    }
}

impl From<&ListenerEnabled> for EnabledListener {
    fn from(enabled: &ListenerEnabled) -> Self {
        Self {
            version: enabled.version.clone(),
            settings: enabled.settings.clone(),
            dlq: None,
            paused: false,
        }
    }
}

impl State for Topic {
    fn apply(&mut self, event: &Event) {
        match event {
            Event::TopicGranted(e) => {
                self.grants.insert(e.permission.clone());
            }
            Event::TopicRevoked(e) => {
                self.grants.remove(&e.permission);
            }
            Event::ListenerEnabled(e) => {
                self.listeners
                    .insert(e.listener.algorithm.clone(), e.into());
            }
            Event::ListenerVersionChanged(e) => {
                self.change_listener(&e.listener.algorithm, |l| l.version = e.version.clone());
            }
            Event::ListenerSettingsChanged(e) => {
                self.change_listener(&e.listener.algorithm, |l| l.settings = e.settings.clone());
            }
            Event::ListenerPaused(e) => {
                self.change_listener(&e.listener.algorithm, |l| l.paused = true);
            }
            Event::ListenerResumed(e) => {
                self.change_listener(&e.listener.algorithm, |l| l.paused = false);
            }
            Event::DlqSet(e) => {
                self.change_listener(&e.listener.algorithm, |l| l.dlq = Some(e.dlq.clone()));
            }
            Event::DlqCleared(e) => self.change_listener(&e.listener.algorithm, |l| l.dlq = None),
            Event::ListenerDisabled(e) => {
                self.listeners.remove(&e.listener.algorithm);
            }
            Event::PublisherEnabled(e) => {
                self.publishers
                    .insert(e.publisher.algorithm.clone(), e.version.clone());
            }
            Event::PublisherVersionChanged(e) => {
                self.publishers
                    .insert(e.publisher.algorithm.clone(), e.version.clone());
            }
            Event::PublisherDisabled(e) => {
                self.publishers.remove(&e.publisher.algorithm);
            }
            // Workers keep positions.
            Event::ListenerPositionReset(_)
            | of_organization!()
            | of_algorithm!()
            | of_broker!()
            | of_worker!()
            | of_cluster!()
            | of_command!() => {}
        }
    }
}

impl Keyed for Topic {
    type Key = TopicId;

    fn key(event: &Event) -> Option<&TopicId> {
        match event.subject() {
            Subject::Topic(id) => Some(id),
            Subject::Organization(_)
            | Subject::Algorithm(_)
            | Subject::Broker(_)
            | Subject::Worker(_)
            | Subject::Cluster
            | Subject::Command(_) => None,
        }
    }
}
