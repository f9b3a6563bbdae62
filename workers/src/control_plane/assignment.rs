//! What the control plane assigns and asks, as it says it.

use std::sync::Arc;

use domain::algorithm::Protocol;
use domain::listener::{FaultPolicy, RetryPolicy};
use jiff::Timestamp;
use serde::Deserialize;

/// What changed since the item before.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Assignments {
    /// Resume after it.
    pub(crate) position: String,
    pub(crate) changes: Vec<Change>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Change {
    pub(crate) listener_id: String,
    /// None: the listener is to stop.
    pub(crate) assignment: Option<Assignment>,
}

/// A listener as a worker is to serve it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Assignment {
    /// The position of the event that last changed it.
    pub(crate) revision: String,
    pub(crate) topic: String,
    pub(crate) dlq: Option<String>,
    /// The listener holds its position: nothing permits it to send faulty messages to `dlq`.
    pub(crate) dlq_not_granted: bool,
    /// `organization/name`.
    pub(crate) algorithm: String,
    /// The consumer group, a UUID; stable for the listener's whole life.
    pub(crate) group: String,
    pub(crate) broker: BrokerRef,
    /// What the selector resolves to; none when nothing matches.
    pub(crate) version: Option<Arc<AssignedVersion>>,
    pub(crate) settings: AssignedSettings,
    /// Where results of that version go.
    pub(crate) outputs: Outputs,
}

/// A broker. Its settings never change under its id.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct BrokerRef {
    pub(crate) id: String,
    pub(crate) settings: BrokerSettings,
}

/// How to reach a broker.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "__typename")]
pub enum BrokerSettings {
    #[serde(rename = "KafkaSettings", rename_all = "camelCase")]
    Kafka {
        bootstrap_servers: Vec<String>,
        security: KafkaSecurity,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum KafkaSecurity {
    Plaintext,
}

/// A version to call.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AssignedVersion {
    pub(crate) version: String,
    pub(crate) endpoint: String,
    pub(crate) protocol: Protocol,
    pub(crate) timeout_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AssignedSettings {
    pub(crate) start: AssignedStart,
    pub(crate) concurrency: u32,
    pub(crate) retry: AssignedRetry,
    pub(crate) faults: FaultPolicy,
    pub(crate) max_message_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct AssignedStart {
    pub(crate) at: StartAt,
    pub(crate) time: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum StartAt {
    Earliest,
    Latest,
    Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AssignedRetry {
    pub(crate) max_attempts: u32,
    pub(crate) initial_backoff_ms: u64,
    pub(crate) max_backoff_ms: u64,
}

/// Where the results of a version go.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Option<Vec<Output>>")]
pub(crate) enum Outputs {
    Known(Arc<[Output]>),
    /// A publisher is being moved to the broker that replaces its own: what is published now would
    /// miss it.
    Moving,
}

/// A topic that takes the results of successful runs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Output {
    pub(crate) publisher_id: String,
    pub(crate) topic: String,
    pub(crate) broker: BrokerRef,
}

/// Something the control plane wants to know.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WorkerRequest {
    pub(crate) request_id: String,
    pub(crate) list_topics: Option<ListTopics>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ListTopics {
    pub(crate) broker: AskedBroker,
}

/// A broker that somebody wants to make.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct AskedBroker {
    pub(crate) settings: AskedSettings,
}

/// How it would be made. What this worker does not speak is answered, not stumbled over.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum AskedSettings {
    Known(BrokerSettings),
    Unknown(UnknownSettings),
}

/// Settings of a kind, or with a security, that this worker has no client for.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct UnknownSettings {
    #[serde(rename = "__typename")]
    pub(crate) kind: String,
    pub(crate) security: Option<String>,
}

impl Assignment {
    /// The dead letter queue that faulty messages may be sent to, if there is one.
    pub(crate) fn permitted_dlq(&self) -> Option<&String> {
        self.dlq.as_ref().filter(|_| !self.dlq_not_granted)
    }
}

impl From<AssignedRetry> for RetryPolicy {
    fn from(retry: AssignedRetry) -> Self {
        Self {
            max_attempts: retry.max_attempts,
            initial_backoff_ms: retry.initial_backoff_ms,
            max_backoff_ms: retry.max_backoff_ms,
        }
    }
}

impl From<Option<Vec<Output>>> for Outputs {
    fn from(outputs: Option<Vec<Output>>) -> Self {
        outputs.map_or(Self::Moving, |outputs| Self::Known(outputs.into()))
    }
}

impl Outputs {
    /// The topics, where they are known.
    pub(crate) fn known(&self) -> Option<&Arc<[Output]>> {
        match self {
            Self::Known(outputs) => Some(outputs),
            Self::Moving => None,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Some assignment with everything set.
    pub(crate) fn assignment() -> Assignment {
        let broker = BrokerRef {
            id: "c1".to_owned(),
            settings: BrokerSettings::Kafka {
                bootstrap_servers: vec!["localhost:9092".to_owned()],
                security: KafkaSecurity::Plaintext,
            },
        };
        Assignment {
            revision: "1".to_owned(),
            topic: "orders".to_owned(),
            dlq: None,
            dlq_not_granted: false,
            algorithm: "acme/score".to_owned(),
            group: "6f1d9c1e-5b7a-4d0e-9f53-0d7c3a51e8b2".to_owned(),
            broker: broker.clone(),
            version: Some(Arc::new(AssignedVersion {
                version: "1.0.0".to_owned(),
                endpoint: "http://localhost/".to_owned(),
                protocol: Protocol::Raw,
                timeout_ms: 1000,
            })),
            settings: AssignedSettings {
                start: AssignedStart {
                    at: StartAt::Earliest,
                    time: None,
                },
                concurrency: 4,
                retry: AssignedRetry {
                    max_attempts: 3,
                    initial_backoff_ms: 10,
                    max_backoff_ms: 100,
                },
                faults: FaultPolicy::Block,
                max_message_bytes: 1024,
            },
            outputs: Outputs::Known(Arc::new([Output {
                publisher_id: "p1".to_owned(),
                topic: "scores".to_owned(),
                broker,
            }])),
        }
    }
}
