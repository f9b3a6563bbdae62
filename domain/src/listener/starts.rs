//! Where listeners were to begin when they were last enabled.

use std::collections::BTreeMap;

use super::StartPosition;
use crate::command::State;
use crate::event::{
    Event, of_algorithm, of_broker, of_cluster, of_command, of_grant, of_organization,
    of_publisher, of_worker,
};
use crate::ids::ListenerId;

/// The starts of the listeners that were ever enabled. A stream never tells of two brokers under
/// one name, so what is in it had its position on the broker of today.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Starts(BTreeMap<ListenerId, Option<StartPosition>>);

impl Starts {
    /// Where a listener that was enabled before was to begin, if its broker keeps positions.
    pub(super) fn before(&self, listener: &ListenerId) -> Option<StartPosition> {
        self.0.get(listener).copied().flatten()
    }
}

impl State for Starts {
    fn apply(&mut self, event: &Event) {
        match event {
            Event::ListenerEnabled(e) => {
                self.0.insert(e.listener.clone(), e.settings.start);
            }
            // What is changed of the settings is never the start.
            Event::ListenerVersionChanged(_)
            | Event::ListenerSettingsChanged(_)
            | Event::ListenerPaused(_)
            | Event::ListenerResumed(_)
            | Event::ListenerPositionReset(_)
            | Event::ListenerDisabled(_)
            | Event::DlqSet(_)
            | Event::DlqCleared(_)
            | of_organization!()
            | of_algorithm!()
            | of_broker!()
            | of_grant!()
            | of_publisher!()
            | of_worker!()
            | of_cluster!()
            | of_command!() => {}
        }
    }
}
