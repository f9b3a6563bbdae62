//! How far listeners have come, in which life of their topics.

use async_trait::async_trait;
use brokers::{Beginning, Positions, PositionsError, Standing};

use super::operation::{Advance, Begin, Load};
use super::record::ListenerKey;
use super::{Journal, JournalError};

/// The positions of one listener.
#[derive(Clone)]
pub(crate) struct ListenerPositions {
    journal: Journal,
    listener: ListenerKey,
}

impl Journal {
    /// The positions of a listener.
    pub(crate) fn positions(&self, listener: ListenerKey) -> ListenerPositions {
        ListenerPositions {
            journal: self.clone(),
            listener,
        }
    }
}

#[async_trait]
impl Positions for ListenerPositions {
    async fn load(&self) -> Result<Vec<Standing>, PositionsError> {
        let loaded = self.journal.queue.ask(Load(self.listener)).await;
        loaded.map_err(PositionsError::from)
    }

    async fn begin(&self, beginnings: Vec<Beginning>) -> Result<Vec<u32>, PositionsError> {
        let begin = Begin {
            listener: self.listener,
            beginnings,
        };
        self.journal
            .queue
            .ask(begin)
            .await
            .map_err(PositionsError::from)
    }

    async fn advance(&self, done: Vec<(i32, i64)>) -> Result<(), PositionsError> {
        let advance = Advance {
            listener: self.listener,
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
            .finish()
    }
}

impl From<JournalError> for PositionsError {
    fn from(error: JournalError) -> Self {
        Self(Box::new(error))
    }
}
