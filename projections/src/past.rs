//! The read models of earlier moments: the log folded up to a position by the projections that
//! serve the present.
//!
//! A moment is a SQLite file of its own. It starts from the nearest snapshot at or below it, and
//! snapshots are made from one another in the background, so that what a moment costs depends on
//! their spacing and not on the length of the log.

mod fold;
mod moments;
mod snapshots;
mod time;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use domain::Position;
use event_store::{EventStore, ReadError};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

pub use self::moments::Moment;

use self::moments::Moments;
use self::snapshots::Snapshots;
use crate::database::sqlite;
use crate::error::ProjectorError;
use crate::error::ReadModelError;

/// Between two looks at the log for a snapshot that is due.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How much the past may take.
#[derive(Clone, Copy, Debug)]
pub struct PastLimits {
    /// Events between two snapshots. It doubles whenever there are too many.
    pub spacing: u64,
    /// Snapshots kept at most.
    pub snapshots: usize,
    /// Bytes of all snapshots at most, the last two excepted.
    pub snapshot_bytes: u64,
    /// Moments kept open while nobody reads them, at most.
    pub moments: usize,
    /// Moments made at once, at most.
    pub folds: usize,
    /// How long a reader waits for a moment that is being made.
    pub patience: Duration,
}

impl Default for PastLimits {
    fn default() -> Self {
        Self {
            spacing: 50_000,
            snapshots: 64,
            snapshot_bytes: 4 * 1024 * 1024 * 1024,
            moments: 8,
            folds: 2,
            patience: Duration::from_secs(10),
        }
    }
}

/// Why there is no read model of a moment.
#[derive(Debug, thiserror::Error)]
pub enum PastError {
    #[error("position {wanted} is in the future: the log ends at {head}")]
    Future { wanted: Position, head: Position },
    /// It may be there already when it is asked for again.
    #[error("the moment is still being made, or too many others are")]
    Busy,
    #[error("the files of the past cannot be used")]
    Files(#[from] std::io::Error),
    #[error("a copy of the read models could not be made")]
    Copy(#[from] rusqlite::Error),
    #[error("the event log could not be read")]
    Log(#[from] ReadError),
    #[error("the events could not be folded")]
    Fold(#[from] ProjectorError),
    #[error("the read models of the moment cannot be used")]
    Model(#[from] ReadModelError),
    /// The task that made the moment failed with this.
    #[error("the moment could not be made")]
    Shared(#[source] Arc<PastError>),
}

/// The read models of all moments of one log. Cheap to clone.
#[derive(Clone)]
pub struct Past(Arc<Parts>);

struct Parts {
    store: Arc<dyn EventStore>,
    snapshots: Snapshots,
    moments: Moments,
}

impl Past {
    /// The past of `store`, with its files in a directory of its own. What a crash left half made
    /// there is removed, and so is what is of another shape or another log.
    ///
    /// # Errors
    /// The directory cannot be used, or the log cannot be read.
    pub async fn open(
        directory: &Path,
        store: Arc<dyn EventStore>,
        limits: PastLimits,
    ) -> Result<Self, PastError> {
        // Snapshots of another shape are not used.
        let home = directory.join(sqlite::shape().replace('/', "."));
        remove_others(directory, &home)?;
        let scratch = home.join("moments");
        if scratch.exists() {
            std::fs::remove_dir_all(&scratch)?;
        }
        std::fs::create_dir_all(&scratch)?;
        let snapshots = Snapshots::open(home.join("snapshots"), store.as_ref(), &limits).await?;
        Ok(Self(Arc::new(Parts {
            store,
            snapshots,
            moments: Moments::new(scratch, limits),
        })))
    }

    /// The read model as it was when the log ended at `position`, which is in the log or 0.
    ///
    /// # Errors
    /// The position is in the future, the moment takes too long, or a store fails.
    pub async fn at(&self, position: Position) -> Result<Arc<Moment>, PastError> {
        let Parts {
            store,
            snapshots,
            moments,
        } = self.0.as_ref();
        if let Some(making) = moments.known(position) {
            return moments.wait(making).await;
        }
        let head = store.head().await?;
        if position > head {
            return Err(PastError::Future {
                wanted: position,
                head,
            });
        }
        let making = moments.make(position, snapshots, store)?;
        moments.wait(making).await
    }

    /// The position at which the log ended at `time`: that of an event recorded by then, where
    /// the next one was recorded later; 0 before the first. If clocks went backwards there are
    /// several such places around that time, and this is any one of them.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn position_at(&self, time: Timestamp) -> Result<Position, PastError> {
        Ok(time::position_at(self.0.store.as_ref(), time).await?)
    }

    /// Makes snapshots as they become due, until `shutdown`. What fails is tried again.
    pub async fn run(self, shutdown: CancellationToken) {
        loop {
            let due = tokio::select! {
                () = shutdown.cancelled() => return,
                due = self.snapshot() => due,
            };
            match due {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "a snapshot of the read models could not be made");
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Makes the next snapshot if it is due, and says whether it was.
    ///
    /// # Errors
    /// The log cannot be read, or the files cannot be written.
    pub async fn snapshot(&self) -> Result<bool, PastError> {
        let Parts {
            store,
            snapshots,
            moments,
        } = self.0.as_ref();
        let due = snapshots.due();
        if store.head().await? < due {
            return Ok(false);
        }
        let moment = moments.fold(due, snapshots, store).await?;
        snapshots.keep(&moment, store.as_ref()).await?;
        Ok(true)
    }

    /// Where the snapshots are, in order.
    #[must_use]
    pub fn snapshots(&self) -> Vec<Position> {
        self.0.snapshots.positions()
    }
}

/// Removes everything in `directory` but `home`.
fn remove_others(directory: &Path, home: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(home)?;
    for entry in std::fs::read_dir(directory)? {
        let path: PathBuf = entry?.path();
        if path != home && path.is_dir() {
            std::fs::remove_dir_all(path)?;
        }
    }
    Ok(())
}
