//! How far listeners have come, in which life of their topics.

use async_trait::async_trait;
use brokers::{Beginning, Positions, PositionsError, Standing};
use domain::Position;

use super::operation::{Advance, Begin, Load};
use super::record::ListenerKey;
use super::{Journal, JournalError};

/// The positions of one listener since one reset of them.
#[derive(Clone)]
pub(crate) struct ListenerPositions {
    journal: Journal,
    listener: ListenerKey,
    reset: Option<Position>,
}

/// Another worker knows of a reset that this one has not heard of yet.
#[derive(Debug, thiserror::Error)]
#[error("the position was reset meanwhile")]
struct ResetMeanwhile;

impl Journal {
    /// The positions of a listener, of which `reset` is the last reset that is known of.
    pub(crate) fn positions(
        &self,
        listener: ListenerKey,
        reset: Option<Position>,
    ) -> ListenerPositions {
        ListenerPositions {
            journal: self.clone(),
            listener,
            reset,
        }
    }
}

impl ListenerPositions {
    /// The reset as it is written down.
    fn stored_reset(&self) -> i64 {
        i64::try_from(self.reset()).unwrap_or(i64::MAX)
    }
}

#[async_trait]
impl Positions for ListenerPositions {
    fn reset(&self) -> u64 {
        self.reset.map_or(0, |reset| reset.0)
    }

    async fn load(&self) -> Result<Vec<Standing>, PositionsError> {
        let loaded = self.journal.queue.ask(Load(self.listener)).await;
        loaded.map_err(PositionsError::from)
    }

    async fn begin(&self, beginnings: Vec<Beginning>) -> Result<Vec<u32>, PositionsError> {
        let begin = Begin {
            listener: self.listener,
            reset: self.stored_reset(),
            beginnings,
        };
        let begun = self.journal.queue.ask(begin).await;
        let begun = begun.map_err(PositionsError::from)?;
        begun.ok_or_else(|| PositionsError(Box::new(ResetMeanwhile)))
    }

    async fn advance(&self, done: Vec<(i32, i64)>) -> Result<(), PositionsError> {
        let advance = Advance {
            listener: self.listener,
            reset: self.stored_reset(),
            done,
        };
        let told = self.journal.queue.tell(advance).await;
        told.map_err(PositionsError::from)
    }
}

impl std::fmt::Debug for ListenerPositions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ListenerPositions")
            .field(&self.listener)
            .field(&self.reset)
            .finish()
    }
}

impl From<JournalError> for PositionsError {
    fn from(error: JournalError) -> Self {
        Self(Box::new(error))
    }
}
