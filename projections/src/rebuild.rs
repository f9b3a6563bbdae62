//! Fills the next generation of the read tables beside the live one, and puts it in its place.

pub(crate) mod fill;

use std::error::Error;
use std::sync::Arc;

use domain::Position;
use event_store::EventStore;

use self::fill::{Filling, fill};
use crate::apply::{Target, mark};
use crate::change;
use crate::database::{Tables, blocking};
use crate::error::ProjectorError;
use crate::model::{ReadModel, checkpoint, stored_position};

/// What came of an attempt to replace the live generation.
enum Swap {
    Done,
    /// The live one has moved on meanwhile.
    Behind,
    /// Another one is live by now.
    Superseded,
}

/// Rebuilds on request; a failure is logged, and the rows are as they were.
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
    fill_up(model, store, next).await?;
    let settled = Arc::clone(next);
    blocking(move || settled.settle()).await?;
    loop {
        // What was appended meanwhile.
        fill_up(model, store, next).await?;
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

/// Applies to `next` what it lacks of the log, and tells how far it has come.
async fn fill_up(
    model: &ReadModel,
    store: &Arc<dyn EventStore>,
    next: &Arc<dyn Tables>,
) -> Result<(), ProjectorError> {
    let filling = Filling {
        tables: Arc::clone(next),
        target: Target {
            live: false,
            // As in the tables that were not filled.
            changes_after: change::oldest(stored_position(store.head().await?)),
            events: true,
        },
        until: Position(u64::MAX),
    };
    let model = model.clone();
    let reached = move |position| {
        model.rebuilds().send_if_modified(|rebuilding| {
            rebuilding.as_mut().is_some_and(|reached| {
                *reached = position;
                true
            })
        });
    };
    fill(filling, store, reached).await
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
