//! What the control plane sends: assignments, and requests to look at brokers.

use std::collections::HashSet;

use domain::broker::BrokerSettings;
use domain::listener::ResetTarget;
use domain::{Assignment, BrokerId, ListenerId, Outputs};
use serde::Deserialize;

/// What changed since the item before, or a part of it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Assignments {
    /// Once complete, resume after it.
    pub(crate) position: String,
    /// Whether this is the last part of what changed up to the position.
    pub(crate) complete: bool,
    pub(crate) brokers: Vec<AssignedBroker>,
    pub(crate) changes: Vec<Change>,
}

/// How a broker is reached.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct AssignedBroker {
    pub(crate) broker: BrokerId,
    pub(crate) settings: BrokerSettings,
    /// The brokers that it took over from.
    pub(crate) replaces: HashSet<BrokerId>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Change {
    pub(crate) listener: ListenerId,
    /// None: the listener is to stop.
    pub(crate) assignment: Option<Assignment>,
}

/// Where the results of a version go, and how those brokers are reached.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct VersionOutputs {
    pub(crate) outputs: Outputs,
    pub(crate) brokers: Vec<AssignedBroker>,
}

/// Something that the control plane wants to know.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WorkerRequest {
    pub(crate) request_id: String,
    /// To be repeated in the answer.
    pub(crate) secret: String,
    #[serde(flatten)]
    pub(crate) asked: Asked,
}

/// What it is, by the name of its type in the schema.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "__typename")]
pub(crate) enum Asked {
    /// The topics of a broker, which need not be connected.
    #[serde(rename = "ListTopicsRequest")]
    Topics { settings: BrokerSettings },
    /// What waits for a consumer group, from its position on, or else from where it would begin.
    #[serde(rename = "BacklogRequest")]
    Backlog {
        settings: BrokerSettings,
        topic: String,
        group: String,
        start: ResetTarget,
        /// What was committed under another reset is no position.
        reset: u64,
    },
    /// Something that only a newer worker can find out.
    #[serde(other)]
    Unknown,
}

#[cfg(test)]
pub(crate) mod tests {
    use domain::Position;
    use domain::algorithm::{CallSettings, Protocol};
    use domain::listener::{
        BatchPolicy, FaultPolicy, ListenerSettings, MessageOrdering, RetryPolicy, SampleMask,
        SampledRuns, SamplingPolicy, StartPosition, TombstonePolicy, Transform,
    };
    use domain::run::CalledVersion;
    use domain::testing::{listener_id, topic_id};
    use uuid::Uuid;

    use super::*;

    /// Some assignment with everything set.
    pub(crate) fn assignment() -> Assignment {
        Assignment {
            listener: listener_id("orders"),
            revision: Position(1),
            group: Uuid::from_u128(2),
            dlq: None,
            dlq_not_granted: false,
            version: Some(CalledVersion {
                version: "1.0.0".parse().unwrap(),
                endpoint: "http://localhost/".to_owned(),
                protocol: Protocol::Raw,
                timeout_ms: 1000,
                calls: CallSettings {
                    connect_timeout_ms: Some(100),
                    first_byte_timeout_ms: Some(200),
                    idle_timeout_ms: Some(300),
                    batches_callers: true,
                },
            }),
            settings: ListenerSettings {
                start: Some(StartPosition::Earliest),
                concurrency: 4,
                ordering: MessageOrdering::Partition,
                retry: RetryPolicy {
                    max_attempts: 3,
                    initial_backoff_ms: 10,
                    max_backoff_ms: 100,
                    max_age_ms: Some(60_000),
                },
                faults: FaultPolicy::Block,
                tombstones: TombstonePolicy::Skip,
                max_message_bytes: 1024,
                filter: Some("body.amount > 1".to_owned()),
                transform: Transform {
                    request: Some("[body]".to_owned()),
                    result: Some("answer[0]".to_owned()),
                },
                batch: Some(BatchPolicy::default()),
                sampling: SamplingPolicy {
                    runs: SampledRuns::All,
                    max_bytes: 100,
                    mask: SampleMask {
                        key: true,
                        headers: vec!["x".to_owned()],
                        message: vec!["/a".to_owned()],
                        request: vec!["/b".to_owned()],
                        answer: vec!["/c".to_owned()],
                    },
                },
            },
            reset: None,
            outputs: Outputs::Known(vec![topic_id("scores")]),
        }
    }
}
