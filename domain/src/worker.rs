//! Workers: what they report of themselves and of their consumers.

pub mod confirm;
pub mod event;
pub mod join;
pub mod report;

use std::collections::BTreeSet;

pub use confirm::{Confirmations, Confirmed, LEASE};
pub use event::{
    ConsumerFailed, ConsumerStarted, ConsumerStopped, ListenerBlocked, ListenerUnblocked,
    WorkerJoined, WorkerLeft,
};
pub use join::{JoinWorker, LeaveWorker};
pub use report::{Report, ReportConsumer};

use crate::command::State;
use crate::event::{
    Event, of_algorithm, of_broker, of_cluster, of_command, of_grant, of_listener, of_organization,
    of_publisher,
};
use crate::ids::ListenerId;

/// The version of what workers and the control plane say to each other; both must have the same.
pub const PROTOCOL_VERSION: u32 = 3;

/// A worker as its stream tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Worker {
    pub here: bool,
    pub running: BTreeSet<ListenerId>,
    pub blocked: BTreeSet<ListenerId>,
    /// The listeners whose consumers failed and have not started again.
    pub failed: BTreeSet<ListenerId>,
}

impl State for Worker {
    fn apply(&mut self, event: &Event) {
        match event {
            Event::WorkerJoined(_) => {
                // A worker that joins again was restarted: nothing of its old self runs.
                *self = Self {
                    here: true,
                    ..Self::default()
                };
            }
            Event::WorkerLeft(_) => *self = Self::default(),
            Event::ConsumerStarted(started) => {
                self.running.insert(started.listener.clone());
                self.blocked.remove(&started.listener);
                self.failed.remove(&started.listener);
            }
            Event::ConsumerStopped(stopped) => self.end(&stopped.listener),
            Event::ConsumerFailed(failed) => {
                self.end(&failed.listener);
                self.failed.insert(failed.listener.clone());
            }
            Event::ListenerBlocked(blocked) => {
                self.blocked.insert(blocked.listener.clone());
            }
            Event::ListenerUnblocked(unblocked) => {
                self.blocked.remove(&unblocked.listener);
            }
            of_organization!()
            | of_algorithm!()
            | of_broker!()
            | of_grant!()
            | of_listener!()
            | of_publisher!()
            | of_cluster!()
            | of_command!() => {}
        }
    }
}

impl Worker {
    fn end(&mut self, listener: &ListenerId) {
        self.running.remove(listener);
        self.blocked.remove(listener);
        self.failed.remove(listener);
    }
}
