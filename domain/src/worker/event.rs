//! What workers did.

use serde::{Deserialize, Serialize};

use crate::describe::BrokerNames;
use crate::event::Payload;
use crate::ids::{JournalId, ListenerId, WorkerId};
use crate::listener::event::named;
use crate::thing::{Subject, Thing};
use crate::undo::{Inverse, NoUndo, Past};

/// A worker came that decides in that journal. One that joins again was restarted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerJoined {
    pub worker: WorkerId,
    pub journal: JournalId,
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

/// A blocked listener continues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerUnblocked {
    pub worker: WorkerId,
    #[serde(flatten)]
    pub listener: ListenerId,
}

impl Payload for WorkerJoined {
    const NAME: &'static str = "WorkerJoined";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Worker(&self.worker)
    }

    fn about(&self) -> Vec<Thing> {
        vec![Thing::Worker(self.worker)]
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        "joined".to_owned()
    }

    fn inverse(&self, _past: &Past<'_>) -> Result<Inverse, NoUndo> {
        Err(NoUndo::Reported)
    }
}

impl Payload for WorkerLeft {
    const NAME: &'static str = "WorkerLeft";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Worker(&self.worker)
    }

    fn about(&self) -> Vec<Thing> {
        vec![Thing::Worker(self.worker)]
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        "left".to_owned()
    }

    fn inverse(&self, _past: &Past<'_>) -> Result<Inverse, NoUndo> {
        Err(NoUndo::Reported)
    }
}

impl Payload for ConsumerStarted {
    const NAME: &'static str = "ConsumerStarted";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Worker(&self.worker)
    }

    fn about(&self) -> Vec<Thing> {
        about_consumer(self.worker, &self.listener)
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        format!("began to serve {}", named(&self.listener))
    }

    fn inverse(&self, _past: &Past<'_>) -> Result<Inverse, NoUndo> {
        Err(NoUndo::Reported)
    }
}

impl Payload for ConsumerStopped {
    const NAME: &'static str = "ConsumerStopped";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Worker(&self.worker)
    }

    fn about(&self) -> Vec<Thing> {
        about_consumer(self.worker, &self.listener)
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        format!("stopped serving {}", named(&self.listener))
    }

    fn inverse(&self, _past: &Past<'_>) -> Result<Inverse, NoUndo> {
        Err(NoUndo::Reported)
    }
}

impl Payload for ConsumerFailed {
    const NAME: &'static str = "ConsumerFailed";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Worker(&self.worker)
    }

    fn about(&self) -> Vec<Thing> {
        about_consumer(self.worker, &self.listener)
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        format!("failed to serve {}: {}", named(&self.listener), self.error)
    }

    fn inverse(&self, _past: &Past<'_>) -> Result<Inverse, NoUndo> {
        Err(NoUndo::Reported)
    }
}

impl Payload for ListenerBlocked {
    const NAME: &'static str = "ListenerBlocked";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Worker(&self.worker)
    }

    fn about(&self) -> Vec<Thing> {
        about_consumer(self.worker, &self.listener)
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        format!("blocked {}: {}", named(&self.listener), self.reason)
    }

    fn inverse(&self, _past: &Past<'_>) -> Result<Inverse, NoUndo> {
        Err(NoUndo::Reported)
    }
}

impl Payload for ListenerUnblocked {
    const NAME: &'static str = "ListenerUnblocked";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Worker(&self.worker)
    }

    fn about(&self) -> Vec<Thing> {
        about_consumer(self.worker, &self.listener)
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        format!("unblocked {}", named(&self.listener))
    }

    fn inverse(&self, _past: &Past<'_>) -> Result<Inverse, NoUndo> {
        Err(NoUndo::Reported)
    }
}

/// A consumer, whose listener and broker show it.
fn about_consumer(worker: WorkerId, listener: &ListenerId) -> Vec<Thing> {
    vec![
        Thing::Worker(worker),
        Thing::Listener(listener.clone()),
        Thing::Broker(listener.topic.broker),
    ]
}
