//! A topic's grants, listeners and publishers. They share one stream, so that "no listener
//! without a grant" is decided in one append.

use std::collections::{BTreeMap, BTreeSet};

use crate::command::State;
use crate::connection::{Connection, Phase};
use crate::event::Event;
use crate::grant::Access;
use crate::ids::{AlgorithmId, TopicId};
use crate::name::TopicName;
use crate::refusal::Refusal;
use crate::version::VersionSelector;

/// A topic as its stream tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topic {
    pub grants: BTreeSet<(AlgorithmId, Access)>,
    /// The enabled ones.
    pub listeners: BTreeMap<AlgorithmId, EnabledListener>,
    /// The enabled ones, with the version whose results they take.
    pub publishers: BTreeMap<AlgorithmId, VersionSelector>,
}

/// What decisions look at in an enabled listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnabledListener {
    pub version: VersionSelector,
    pub dlq: Option<TopicName>,
}

impl Topic {
    /// Whether `algorithm` has the grant and the connection is alive: what a listener or a
    /// publisher needs to stay enabled.
    pub(crate) fn stands(
        &self,
        algorithm: &AlgorithmId,
        access: Access,
        connection: &Connection,
    ) -> bool {
        connection.phase == Phase::Alive && self.grants.contains(&(algorithm.clone(), access))
    }

    /// Refuses unless `algorithm` has the grant.
    pub(crate) fn check_granted(
        &self,
        topic: &TopicId,
        algorithm: &AlgorithmId,
        access: Access,
    ) -> Result<(), Refusal> {
        if self.grants.contains(&(algorithm.clone(), access)) {
            return Ok(());
        }
        Err(Refusal::NotGranted {
            topic: topic.clone(),
            algorithm: algorithm.clone(),
            access,
        })
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

impl State for Topic {
    fn apply(&mut self, event: &Event) {
        match event {
            Event::TopicGranted(e) => {
                self.grants.insert((e.algorithm.clone(), e.access));
            }
            Event::TopicRevoked(e) => {
                self.grants.remove(&(e.algorithm.clone(), e.access));
            }
            Event::ListenerEnabled(e) => {
                let listener = EnabledListener {
                    version: e.version.clone(),
                    dlq: None,
                };
                self.listeners
                    .insert(e.listener.algorithm.clone(), listener);
            }
            Event::ListenerVersionChanged(e) => {
                self.change_listener(&e.listener.algorithm, |l| l.version = e.version.clone());
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
            _ => {}
        }
    }
}
