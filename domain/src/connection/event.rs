//! What happened to broker connections.

use serde::{Deserialize, Serialize};

use crate::ids::ConnectionId;
use crate::name::{ConnectionName, TopicName};

/// An administrator connected a broker. Its settings never change; only credentials rotate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerConnected {
    pub connection: ConnectionId,
    pub name: ConnectionName,
    pub settings: BrokerSettings,
}

/// How to reach a broker. Credentials are never among it, only references to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BrokerSettings {
    Kafka {
        /// `host:port`, at least one.
        bootstrap_servers: Vec<String>,
        security: KafkaSecurity,
    },
}

/// How a Kafka client proves itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum KafkaSecurity {
    /// No encryption, no authentication.
    Plaintext,
}

/// A worker listed the topics of a broker: the whole list, replacing the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicsDiscovered {
    pub connection: ConnectionId,
    pub topics: Vec<DiscoveredTopic>,
}

/// A topic as its broker lists it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DiscoveredTopic {
    pub name: TopicName,
    /// How many partitions, where the broker has them.
    pub partitions: Option<u32>,
}

/// An administrator disconnected the broker, for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerDisconnected {
    pub connection: ConnectionId,
}
