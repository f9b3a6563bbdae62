//! Applies the log to the read tables, batch by batch.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use domain::{Envelope, Position};
use event_store::EventStore;
use futures_util::StreamExt;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::apply::{Advanced, Target, advance};
use crate::database::blocking;
use crate::error::{ProjectorError, ReadModelError};
use crate::fact::{self, Fact};
use crate::model::ReadModel;
use crate::rebuild;

/// Events applied in one transaction at most.
const BATCH: usize = 2048;

/// Between two tries to write a batch that the database did not take: on a full disk, say.
const PAUSE: Duration = Duration::from_secs(1);

/// What the projector writes to: all that changes is in the feed.
const LIVE: Target = Target {
    live: true,
    changes_after: 0,
    events: true,
};

/// Keeps a [`ReadModel`] up with the log.
///
/// There may be several, in other processes too: what one of them has applied, the others leave
/// out.
pub struct Projector {
    model: ReadModel,
    store: Arc<dyn EventStore>,
}

impl Projector {
    /// A projector of `store` into `model`.
    #[must_use]
    pub fn new(model: ReadModel, store: Arc<dyn EventStore>) -> Self {
        Self { model, store }
    }

    /// Follows the log from the checkpoint on, until `shutdown`, and rebuilds when asked to.
    ///
    /// # Errors
    /// The log is damaged, or holds an event that this program does not know. The rows then stand
    /// at the last batch that was committed. A database that cannot be written is tried again.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), ProjectorError> {
        let mut asked = self.model.rebuilds().subscribe();
        let mut rebuilding = JoinSet::new();
        let mut after = self.model.position();
        loop {
            let following = self.follow(after);
            tokio::pin!(following);
            let ended = loop {
                tokio::select! {
                    () = shutdown.cancelled() => return Ok(()),
                    ended = &mut following => break ended,
                    () = is_some(&mut asked), if rebuilding.is_empty() => {
                        rebuilding.spawn(rebuild::run(self.model.clone(), Arc::clone(&self.store)));
                    }
                    Some(_) = rebuilding.join_next() => {}
                }
            };
            match ended {
                // A database that lost commits with the power, or was restored, is caught up with.
                Err(ProjectorError::Gap { checkpoint }) if checkpoint < self.model.position() => {
                    tracing::warn!(position = checkpoint.0, "the read tables have gone back");
                    after = checkpoint;
                }
                ended => return ended,
            }
        }
    }

    /// Fills rows that are at the start of a log that is not: sooner than by following it, and
    /// with statistics of what there is.
    ///
    /// # Errors
    /// As [`Projector::rebuild`].
    pub async fn begin(&self) -> Result<(), ProjectorError> {
        let empty = Position(0);
        if self.model.position() == empty && self.store.head().await? > empty {
            self.rebuild().await?;
        }
        Ok(())
    }

    /// Rebuilds all rows from the log in a new generation, and has queries read that instead.
    ///
    /// # Errors
    /// The log cannot be read, or a database not be written. The rows are as they were.
    pub async fn rebuild(&self) -> Result<(), ProjectorError> {
        rebuild::rebuild(&self.model, &self.store).await
    }

    /// Applies `batch`, which continues where the last one ended, or before.
    ///
    /// # Errors
    /// As [`Projector::run`].
    pub async fn apply(&self, batch: &[Envelope]) -> Result<(), ProjectorError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.advance(fact::decode(batch)?.into()).await
    }

    /// Applies what comes after `after` as it comes.
    async fn follow(&self, after: Position) -> Result<(), ProjectorError> {
        let mut events = self.store.follow(after).ready_chunks(BATCH);
        while let Some(batch) = events.next().await {
            let batch: Vec<Envelope> = batch.into_iter().collect::<Result<_, _>>()?;
            let facts: Arc<[Fact]> = fact::decode(&batch)?.into();
            while let Err(error) = self.advance(Arc::clone(&facts)).await {
                let ProjectorError::Write(error @ ReadModelError::Database(_)) = error else {
                    return Err(error);
                };
                tracing::error!(
                    error = &error as &dyn Error,
                    "the read tables do not keep up"
                );
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(())
    }

    async fn advance(&self, facts: Arc<[Fact]>) -> Result<(), ProjectorError> {
        loop {
            let live = self.model.live();
            let number = live.number();
            let batch = Arc::clone(&facts);
            match blocking(move || advance(&*live, &batch, LIVE)).await? {
                Advanced::To(position) => {
                    self.model.raise(position);
                    return Ok(());
                }
                Advanced::Gap { checkpoint } => return Err(ProjectorError::Gap { checkpoint }),
                Advanced::Superseded => self.model.leave(number).await?,
            }
        }
    }
}

async fn is_some(asked: &mut watch::Receiver<Option<Position>>) {
    // The model, which sends, is there as long as its projector.
    let _ = asked.wait_for(Option::is_some).await;
}
