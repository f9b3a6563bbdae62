//! Broker connections: connected, discovered, disconnected, never edited.

pub mod connect;
pub mod disconnect;
pub mod discover;
pub mod event;

use std::collections::BTreeMap;

pub use connect::ConnectBroker;
pub use disconnect::DisconnectBroker;
pub use discover::DiscoverTopics;
pub use event::{
    BrokerConnected, BrokerDisconnected, BrokerSettings, DiscoveredTopic, KafkaSecurity,
    TopicsDiscovered,
};

use crate::command::State;
use crate::event::Event;
use crate::name::TopicName;

/// A broker connection as its stream tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    pub phase: Phase,
    /// The topics it had when they were last looked up.
    pub topics: BTreeMap<TopicName, DiscoveredTopic>,
}

/// Where a connection stands in its life; there is no way back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    #[default]
    Unborn,
    Alive,
    Gone,
}

impl State for Connection {
    fn apply(&mut self, event: &Event) {
        match event {
            Event::BrokerConnected(_) => self.phase = Phase::Alive,
            Event::BrokerDisconnected(_) => self.phase = Phase::Gone,
            Event::TopicsDiscovered(discovered) => {
                self.topics = discovered
                    .topics
                    .iter()
                    .map(|topic| (topic.name.clone(), topic.clone()))
                    .collect();
            }
            _ => {}
        }
    }
}
