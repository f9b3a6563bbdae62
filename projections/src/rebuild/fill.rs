//! Fills tables that nobody reads yet from the log: it is read and decoded on one side, and applied
//! on the other.

use std::sync::Arc;

use domain::Position;
use event_store::EventStore;
use tokio::sync::mpsc;

use crate::apply::{Advanced, Target, advance};
use crate::database::{Tables, blocking};
use crate::error::{ProjectorError, ReadModelError};
use crate::fact::{self, Fact};
use crate::model::checkpoint;

/// Events read at once, and applied in one transaction.
const PAGE: usize = 8192;

/// Pages that may wait to be applied.
const AHEAD: usize = 2;

/// What is filled, and how far.
pub(crate) struct Filling {
    pub(crate) tables: Arc<dyn Tables>,
    pub(crate) target: Target,
    /// The last position; the end of the log where that comes before.
    pub(crate) until: Position,
}

/// Applies to the tables what they lack, and tells `reached` how far they are.
pub(crate) async fn fill(
    filling: Filling,
    store: &Arc<dyn EventStore>,
    reached: impl Fn(Position) + Send + 'static,
) -> Result<(), ProjectorError> {
    let Filling {
        tables,
        target,
        until,
    } = filling;
    let after = checkpoint(&*tables).await?;
    let (pages, mut read_pages) = mpsc::channel::<Vec<Fact>>(AHEAD);
    let reading = tokio::spawn(read(Arc::clone(store), after, until, pages));
    let applied = blocking(move || {
        while let Some(facts) = read_pages.blocking_recv() {
            let Advanced::To(position) = advance(&*tables, &facts, target)? else {
                let odd = "the new read tables were changed by somebody else";
                return Err(ReadModelError::Database(odd.into()));
            };
            reached(position);
        }
        Ok(())
    });
    let applied = applied.await;
    match reading.await {
        Ok(read) => read?,
        Err(ended) => return Err(ReadModelError::Database(Box::new(ended)).into()),
    }
    Ok(applied?)
}

/// Sends the events after `after`, up to `until` or the end of the log.
async fn read(
    store: Arc<dyn EventStore>,
    mut after: Position,
    until: Position,
    pages: mpsc::Sender<Vec<Fact>>,
) -> Result<(), ProjectorError> {
    while after < until {
        let left = usize::try_from(until.0 - after.0).unwrap_or(usize::MAX);
        let limit = left.min(PAGE);
        let page = store.read_all(after, limit).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = last.position;
        let whole = page.len() == limit;
        // Where it is closed, the task that applies them has failed, and says why.
        if pages.send(fact::decode(&page)?).await.is_err() || !whole {
            return Ok(());
        }
    }
    Ok(())
}
