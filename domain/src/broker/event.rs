//! What happened to brokers.

use serde::{Deserialize, Serialize};

use super::BrokerSettings;
use crate::credential::CredentialRef;
use crate::ids::BrokerId;
use crate::listener::StartPosition;
use crate::name::{BrokerName, TopicName};

/// An administrator connected a broker. Its settings never change; only credentials rotate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerConnected {
    pub broker: BrokerId,
    pub name: BrokerName,
    pub settings: BrokerSettings,
}

/// The broker proves itself by another credential from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerCredentialsRotated {
    pub broker: BrokerId,
    pub credential: CredentialRef,
}

/// A worker listed the topics of a broker: the whole list, replacing the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicsDiscovered {
    pub broker: BrokerId,
    pub topics: Vec<DiscoveredTopic>,
}

/// A topic as its broker lists it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DiscoveredTopic {
    pub name: TopicName,
    /// How many partitions, where the broker has them.
    pub partitions: Option<u32>,
}

/// Another broker takes over what hung on this one, which ends with this, for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerReplaced {
    pub broker: BrokerId,
    pub replacement: BrokerId,
    /// Topics in use that the replacement lacked: what hung on them ends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_behind: Vec<TopicName>,
    /// Where listeners begin on the new broker; where each was told to begin on the old one
    /// when it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<StartPosition>,
}

/// An administrator disconnected the broker, for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerDisconnected {
    pub broker: BrokerId,
}
