//! The cluster as a whole: what administrators do that is about no single thing, and what its workers
//! have in common.

mod event;
mod rebuild_read_models;
mod use_journal;

pub use event::{JournalAdopted, ReadModelsRebuilt};
pub use rebuild_read_models::RebuildReadModels;
pub use use_journal::UseJournal;

use crate::command::State;
use crate::event::Event;
use crate::ids::JournalId;

/// The cluster as its stream tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// The journal that its workers decide in; none before the first of them came.
    pub journal: Option<JournalId>,
}

impl State for Cluster {
    fn apply(&mut self, event: &Event) {
        if let Event::JournalAdopted(adopted) = event {
            self.journal = Some(adopted.journal);
        }
    }
}
