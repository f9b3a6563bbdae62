//! Fills the next generation of the read tables beside the live one, and puts it in its place.

use std::error::Error;
use std::sync::Arc;

use domain::Position;
use event_store::EventStore;
use tokio::sync::mpsc;

use crate::batch::{self, Advanced, Fact, advance, mark};
use crate::database::{Tables, blocking};
use crate::projector::ProjectorError;
use crate::read::{ReadModel, ReadModelError, checkpoint, stored_position};

/// Events read at once, and applied in one transaction.
const PAGE: usize = 8192;

/// Pages that may wait to be applied.
const AHEAD: usize = 2;

/// What came of an attempt to replace the live generation.
enum Swap {
    Done,
    /// The live one has moved on meanwhile.
    Behind,
    /// Another one is live by now.
    Superseded,
}

/// Rebuilds for whoever has asked; a failure is logged, and the rows are as they were.
pub(crate) async fn run(model: ReadModel, store: Arc<dyn EventStore>) {
    if let Err(error) = rebuild(&model, &store).await {
        tracing::error!(
            error = &error as &dyn Error,
            "the read tables could not be rebuilt and are as they were"
        );
    }
    model.rebuilds().send_replace(None);
}

/// Rebuilds all rows of `model` from `store`.
pub(crate) async fn rebuild(
    model: &ReadModel,
    store: &Arc<dyn EventStore>,
) -> Result<(), ProjectorError> {
    let next = model.database().begin().await?;
    let filled = fill_and_swap(model, store, &next).await;
    if filled.is_err() {
        next.retire();
    }
    filled
}

async fn fill_and_swap(
    model: &ReadModel,
    store: &Arc<dyn EventStore>,
    next: &Arc<dyn Tables>,
) -> Result<(), ProjectorError> {
    fill(model, store, next).await?;
    let settled = Arc::clone(next);
    blocking(move || settled.settle()).await?;
    loop {
        // What was appended meanwhile.
        fill(model, store, next).await?;
        let live = model.live();
        let replacing = model.replacing().await;
        match swap(&live, next).await? {
            Swap::Done => {
                model.adopt(Arc::clone(next), &replacing);
                model.raise(checkpoint(&**next).await?);
                return Ok(());
            }
            Swap::Behind => {}
            Swap::Superseded => {
                drop(replacing);
                model.leave(live.number()).await?;
            }
        }
    }
}

/// Applies to `next` what it lacks of the log; the reading and decoding goes on beside.
async fn fill(
    model: &ReadModel,
    store: &Arc<dyn EventStore>,
    next: &Arc<dyn Tables>,
) -> Result<(), ProjectorError> {
    let after = checkpoint(&**next).await?;
    let (pages, mut filling) = mpsc::channel::<Vec<Fact>>(AHEAD);
    let reading = tokio::spawn(read(Arc::clone(store), after, pages));
    let (model, next) = (model.clone(), Arc::clone(next));
    let filled = blocking(move || {
        while let Some(facts) = filling.blocking_recv() {
            let Advanced::To(position) = advance(&*next, &facts, false)? else {
                let odd = "the new read tables were changed by somebody else";
                return Err(ReadModelError::Database(odd.into()));
            };
            model.rebuilds().send_if_modified(|rebuilding| {
                rebuilding.as_mut().is_some_and(|reached| {
                    *reached = position;
                    true
                })
            });
        }
        Ok(())
    });
    let filled = filled.await;
    match reading.await {
        Ok(read) => read?,
        Err(ended) => return Err(ReadModelError::Database(Box::new(ended)).into()),
    }
    Ok(filled?)
}

/// Sends the events after `after`, up to the end of the log.
async fn read(
    store: Arc<dyn EventStore>,
    mut after: Position,
    pages: mpsc::Sender<Vec<Fact>>,
) -> Result<(), ProjectorError> {
    loop {
        let page = store.read_all(after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = last.position;
        let whole = page.len() == PAGE;
        // Whoever applies them has failed where it is gone, and says why.
        if pages.send(batch::decode(&page)?).await.is_err() || !whole {
            return Ok(());
        }
    }
}

/// Makes `next` the live generation, if it has come as far as the one that is. Nobody applies
/// anything to that one meanwhile.
async fn swap(live: &Arc<dyn Tables>, next: &Arc<dyn Tables>) -> Result<Swap, ProjectorError> {
    let reached = stored_position(checkpoint(&**next).await?);
    let (live, next) = (Arc::clone(live), Arc::clone(next));
    let swapping = blocking(move || {
        let mut swap = Swap::Superseded;
        live.write(&mut |tx| {
            let mark = mark(tx)?;
            swap = if !mark.live {
                Swap::Superseded
            } else if reached < mark.position {
                Swap::Behind
            } else {
                // A crash between the two leaves both live: the newer one is used then.
                let enliven = "UPDATE checkpoint SET live = 1 WHERE id = 1";
                next.write(&mut |tx| tx.execute(enliven, &[]))?;
                tx.execute("UPDATE checkpoint SET live = 0 WHERE id = 1", &[])?;
                Swap::Done
            };
            Ok(())
        })?;
        Ok(swap)
    });
    Ok(swapping.await?)
}
