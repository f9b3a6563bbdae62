//! Brokers: connected, discovered, replaced, disconnected, never edited.

pub mod check;
pub mod connect;
mod difference;
pub mod disconnect;
pub mod discover;
pub mod event;
pub mod kafka;
pub mod kind;
pub mod replace;
pub mod rotate_credential;
pub mod service_bus;
pub mod settings;
pub mod sqs;

use std::collections::{BTreeMap, BTreeSet};

pub use connect::ConnectBroker;
pub use disconnect::DisconnectBroker;
pub use discover::DiscoverTopics;
pub use event::{
    BrokerConnected, BrokerCredentialsRotated, BrokerDisconnected, BrokerReplaced, DiscoveredTopic,
    TopicsChanged,
};
pub use kafka::{KafkaSecurity, SaslMechanism, Tls};
pub use kind::BrokerKind;
pub use replace::ReplaceBroker;
pub use rotate_credential::RotateCredential;
pub use service_bus::ServiceBusAuth;
pub use settings::BrokerSettings;
pub use sqs::SqsAuth;

use crate::command::{Keyed, State};
use crate::event::{
    Event, of_algorithm, of_cluster, of_command, of_grant, of_listener, of_organization,
    of_publisher, of_worker,
};
use crate::grant::{Access, Permission};
use crate::ids::{AlgorithmId, BrokerId};
use crate::listener::StartPosition;
use crate::name::TopicName;
use crate::pattern::TopicPattern;
use crate::refusal::Refusal;
use crate::thing::Subject;

/// A broker as its stream tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Broker {
    pub phase: Phase,
    /// As they are now, credentials rotated; none before it was connected.
    pub settings: Option<BrokerSettings>,
    /// The topics it had when they were last looked up.
    pub topics: BTreeMap<TopicName, DiscoveredTopic>,
    /// Grants on every topic that a pattern covers.
    pub patterns: BTreeSet<(TopicPattern, Permission)>,
    /// The broker that took over from this one, which has ended.
    pub replaced_by: Option<BrokerId>,
}

/// The phase of a broker's life; there is no way back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    #[default]
    New,
    Connected,
    Ended,
}

impl Broker {
    /// Refuses unless the broker is connected.
    pub(crate) fn check_connected(&self) -> Result<(), Refusal> {
        if self.phase == Phase::Connected {
            return Ok(());
        }
        Err(Refusal::BrokerGone)
    }

    /// Whether the broker keeps a position for each listener.
    #[must_use]
    pub fn keeps_positions(&self) -> bool {
        let settings = self.settings.as_ref();
        settings.is_none_or(|settings| settings.kind().keeps_positions())
    }

    /// Refuses a start where there are no positions; `field` names the argument.
    pub(crate) fn check_start(
        &self,
        start: Option<StartPosition>,
        field: &'static str,
    ) -> Result<(), Refusal> {
        match &self.settings {
            Some(settings) if start.is_some() && !settings.kind().keeps_positions() => {
                Err(Refusal::NothingToStartAt {
                    kind: settings.kind(),
                    field,
                })
            }
            _ => Ok(()),
        }
    }

    /// Refuses a reset where there are no positions.
    pub(crate) fn check_keeps_positions(&self) -> Result<(), Refusal> {
        match &self.settings {
            Some(settings) if !settings.kind().keeps_positions() => {
                Err(Refusal::NoPosition(settings.kind()))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a topic that the broker cannot have or does not have; `field` names the argument.
    pub(crate) fn check_topic(
        &self,
        topic: &TopicName,
        field: &'static str,
    ) -> Result<(), Refusal> {
        if let Some(settings) = &self.settings {
            settings.kind().check_topic(topic, field)?;
        }
        if self.topics.contains_key(topic) {
            return Ok(());
        }
        Err(Refusal::UnknownTopic(topic.clone()))
    }

    /// Whether a pattern permits `algorithm` to use `topic`.
    #[must_use]
    pub fn permits(&self, topic: &TopicName, algorithm: &AlgorithmId, access: Access) -> bool {
        self.patterns.iter().any(|(pattern, permission)| {
            permission.covers(algorithm, access) && pattern.covers(topic)
        })
    }
}

impl State for Broker {
    fn apply(&mut self, event: &Event) {
        match event {
            Event::BrokerConnected(e) => {
                self.phase = Phase::Connected;
                self.settings = Some(e.settings.clone());
            }
            Event::BrokerCredentialsRotated(e) => {
                if let Some(settings) = &mut self.settings {
                    settings.rotate(&e.credential);
                }
            }
            Event::BrokerReplaced(e) => {
                self.phase = Phase::Ended;
                self.replaced_by = Some(e.replacement);
            }
            Event::BrokerDisconnected(_) => self.phase = Phase::Ended,
            Event::TopicsChanged(e) => {
                for lost in &e.lost {
                    self.topics.remove(lost);
                }
                let there = e.gained.iter().chain(&e.changed);
                let there = there.map(|topic| (topic.name.clone(), topic.clone()));
                self.topics.extend(there);
            }
            Event::TopicPatternGranted(e) => {
                self.patterns
                    .insert((e.pattern.clone(), e.permission.clone()));
            }
            Event::TopicPatternRevoked(e) => {
                self.patterns
                    .remove(&(e.pattern.clone(), e.permission.clone()));
            }
            of_organization!()
            | of_algorithm!()
            | of_grant!()
            | of_listener!()
            | of_publisher!()
            | of_worker!()
            | of_cluster!()
            | of_command!() => {}
        }
    }
}

impl Keyed for Broker {
    type Key = BrokerId;

    fn key(event: &Event) -> Option<&BrokerId> {
        match event.subject() {
            Subject::Broker(id) => Some(id),
            Subject::Organization(_)
            | Subject::Algorithm(_)
            | Subject::Topic(_)
            | Subject::Worker(_)
            | Subject::Cluster
            | Subject::Command(_) => None,
        }
    }
}
