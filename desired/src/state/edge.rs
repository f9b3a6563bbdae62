//! An edge of the flow graph: a topic and an algorithm.

use std::fmt;

use domain::{AlgorithmId, BrokerName, TopicName};
use serde::{Deserialize, Serialize};

/// What identifies a listener or a publisher.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edge {
    pub(crate) broker: BrokerName,
    pub(crate) topic: TopicName,
    pub(crate) algorithm: AlgorithmId,
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} of {}", self.broker, self.topic, self.algorithm)
    }
}
