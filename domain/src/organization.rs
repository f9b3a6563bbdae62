//! Organizations: who owns algorithms.

pub mod create;
pub mod event;

pub use create::CreateOrganization;
pub use event::OrganizationCreated;

use crate::command::State;
use crate::event::Event;

/// An organization as its stream tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Organization {
    pub exists: bool,
}

impl State for Organization {
    fn apply(&mut self, event: &Event) {
        if matches!(event, Event::OrganizationCreated(_)) {
            self.exists = true;
        }
    }
}
