//! What workers did.

use serde::{Deserialize, Serialize};

use crate::ids::{ListenerId, WorkerId};

/// A worker began to take assignments. One that joins again was restarted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerJoined {
    pub worker: WorkerId,
}

/// A worker left in order; its consumers had stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerLeft {
    pub worker: WorkerId,
}

/// A worker's consumer began to serve a listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsumerStarted {
    pub worker: WorkerId,
    #[serde(flatten)]
    pub listener: ListenerId,
}

/// A worker's consumer stopped serving a listener, its work in flight finished or given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsumerStopped {
    pub worker: WorkerId,
    #[serde(flatten)]
    pub listener: ListenerId,
}

/// A worker's consumer ended by itself and will be started again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsumerFailed {
    pub worker: WorkerId,
    #[serde(flatten)]
    pub listener: ListenerId,
    pub error: String,
}

/// A listener holds its position, for a reason that is not the message's fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerBlocked {
    pub worker: WorkerId,
    #[serde(flatten)]
    pub listener: ListenerId,
    pub reason: String,
}

/// A blocked listener goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerUnblocked {
    pub worker: WorkerId,
    #[serde(flatten)]
    pub listener: ListenerId,
}
