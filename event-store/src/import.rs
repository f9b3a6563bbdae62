//! The port that a log is copied into by: events and commands as another log has stored them.
//!
//! Not every backend can keep what it did not append itself, so this is a port of its own beside
//! [`EventStore`].

use std::sync::Arc;

use async_trait::async_trait;
use domain::{CommandId, Position};

use crate::port::{Appended, EventStore};
use crate::stored::StoredEvent;

/// The record of a command: what its repetition is answered, and which content it came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredCommand {
    pub id: CommandId,
    pub fingerprint: [u8; 32],
    pub appended: Appended,
}

/// Stored events in a row, and the records of the commands whose first events are among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredBatch {
    pub events: Vec<StoredEvent>,
    /// In the order of their first positions.
    pub commands: Vec<StoredCommand>,
}

/// Why a batch was not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("somebody else appends to the log: its last event stands at {head}, not at {expected}")]
    Moved { expected: Position, head: Position },
    /// The batch may or may not have been imported.
    #[error("the event log that is copied to is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A log that is open to be copied into.
#[async_trait]
pub trait Import: Send + Sync {
    /// What the log holds, to be read alone.
    fn log(&self) -> Arc<dyn EventStore>;

    /// Appends the events and the records as they are, durably, all of them or none. The events
    /// must continue the log: the first stands at the position after its last.
    async fn import(&self, batch: &StoredBatch) -> Result<(), ImportError>;
}

impl StoredBatch {
    /// Where the log must end for this batch to continue it.
    pub(crate) fn after(&self) -> Position {
        let first = self.events.first().map_or(1, |event| event.position.0);
        Position(first.saturating_sub(1))
    }

    /// Where its last event stands; `None` where there is no event.
    pub(crate) fn last(&self) -> Option<Position> {
        self.events.last().map(|last| last.position)
    }

    /// The name of the stream that the command's events went to.
    pub(crate) fn stream(&self, command: &StoredCommand) -> Option<&str> {
        let first = command.appended.first.0.checked_sub(self.after().0 + 1)?;
        let event = self.events.get(usize::try_from(first).ok()?)?;
        Some(event.stream.as_str())
    }
}

impl ImportError {
    pub(crate) fn unavailable(error: sqlx::Error) -> Self {
        Self::Unavailable(Box::new(error))
    }
}
