//! The moments that are open or being made: each position once, the least recently read go first.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::Position;
use event_store::EventStore;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use super::fold::{self, Begun, Scratch, Start};
use super::snapshots::Snapshots;
use super::{PastError, PastLimits};
use crate::database::sqlite;
use crate::model::ReadModel;

/// Moments that may be under way, most of them waiting for their turn.
const MOST_UNDER_WAY: usize = 16;

/// How often a moment is started from another file because its own was removed meanwhile.
const MOST_TRIES: u32 = 4;

/// The read model of one moment. Its file goes when nobody reads it any more.
#[derive(Debug)]
pub struct Moment {
    model: ReadModel,
    position: Position,
    file: Scratch,
}

impl Moment {
    /// The rows as they were.
    #[must_use]
    pub fn model(&self) -> &ReadModel {
        &self.model
    }

    /// Where the log ended.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    pub(super) fn file(&self) -> &PathBuf {
        &self.file.0
    }
}

/// What came of making a moment; nothing yet while it is under way.
type Made = Option<Result<Arc<Moment>, Arc<PastError>>>;

/// A moment that somebody makes or has made.
pub(super) type Making = watch::Receiver<Made>;

#[derive(Clone)]
pub(super) struct Moments {
    directory: PathBuf,
    limits: PastLimits,
    /// The most recently read last.
    open: Arc<Mutex<VecDeque<(Position, Making)>>>,
    folds: Arc<Semaphore>,
    /// Two files of one moment are two names: the old one may still be read.
    files: Arc<AtomicU64>,
}

impl Moments {
    pub(super) fn new(directory: PathBuf, limits: PastLimits) -> Self {
        Self {
            directory,
            limits,
            open: Arc::default(),
            folds: Arc::new(Semaphore::new(limits.folds)),
            files: Arc::default(),
        }
    }

    /// The moment of that position, if it is open or being made.
    pub(super) fn known(&self, position: Position) -> Option<Making> {
        find(&mut self.open(), position)
    }

    /// Has the moment made, unless it is already. It is made to its end even if nobody waits.
    pub(super) fn make(
        &self,
        position: Position,
        snapshots: &Snapshots,
        store: &Arc<dyn EventStore>,
    ) -> Result<Making, PastError> {
        let mut open = self.open();
        if let Some(making) = find(&mut open, position) {
            return Ok(making);
        }
        let under_way = open.iter().filter(|(_, making)| making.borrow().is_none());
        if under_way.count() >= MOST_UNDER_WAY {
            return Err(PastError::Busy);
        }
        let (sender, making) = watch::channel(None);
        open.push_back((position, making.clone()));
        drop(open);
        let (maker, snapshots, store) = (self.clone(), snapshots.clone(), Arc::clone(store));
        tokio::spawn(async move {
            let turn = timeout(maker.limits.patience, maker.folds.acquire()).await;
            let made = match turn {
                Ok(_turn) => maker.fold(position, &snapshots, &store).await,
                Err(_) => Err(PastError::Busy),
            };
            sender.send_replace(Some(made.map(Arc::new).map_err(Arc::new)));
            maker.evict();
        });
        Ok(making)
    }

    /// Waits for a moment, for a while.
    pub(super) async fn wait(&self, mut making: Making) -> Result<Arc<Moment>, PastError> {
        let made = timeout(self.limits.patience, making.wait_for(Option::is_some)).await;
        let Ok(Ok(made)) = made else {
            return Err(PastError::Busy);
        };
        match made.as_ref() {
            Some(Ok(moment)) => Ok(Arc::clone(moment)),
            Some(Err(error)) if matches!(**error, PastError::Busy) => Err(PastError::Busy),
            Some(Err(error)) => Err(PastError::Shared(Arc::clone(error))),
            None => Err(PastError::Busy),
        }
    }

    /// Makes a moment from the nearest file at or below it.
    pub(super) async fn fold(
        &self,
        position: Position,
        snapshots: &Snapshots,
        store: &Arc<dyn EventStore>,
    ) -> Result<Moment, PastError> {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        let path = self.directory.join(format!("{position}-{number}.db"));
        let file = Scratch(sqlite::file_of(&path));
        let mut tries = 0;
        let begun = loop {
            // What is open is held until it is copied, so that its file stays.
            let (start, _held) = self.nearest(position, snapshots);
            match fold::begin(start, file.0.clone(), position).await {
                Err(PastError::Files(error))
                    if error.kind() == std::io::ErrorKind::NotFound && tries < MOST_TRIES =>
                {
                    tries += 1;
                }
                begun => break begun?,
            }
        };
        if begun == Begun::Part {
            fold::fold(&path, store, position).await?;
        }
        let model = ReadModel::of_moment(&path).await?;
        Ok(Moment {
            model,
            position,
            file,
        })
    }

    /// The snapshot or the open moment that is nearest below.
    fn nearest(
        &self,
        position: Position,
        snapshots: &Snapshots,
    ) -> (Option<Start>, Option<Arc<Moment>>) {
        let snapshot = snapshots.nearest(position);
        let open = self.open();
        let moments = open.iter().filter_map(|(_, making)| {
            let made = making.borrow();
            let moment = made.as_ref()?.as_ref().ok()?;
            (moment.position <= position).then(|| Arc::clone(moment))
        });
        let moment = moments.max_by_key(|moment| moment.position);
        match (snapshot, moment) {
            (snapshot, Some(moment))
                if snapshot
                    .as_ref()
                    .is_none_or(|start| start.position < moment.position) =>
            {
                let start = Start {
                    position: moment.position,
                    file: moment.file().clone(),
                };
                (Some(start), Some(moment))
            }
            (snapshot, _) => (snapshot, None),
        }
    }

    /// Lets go of the moments that were not read for the longest.
    fn evict(&self) {
        let mut open = self.open();
        let made = |making: &Making| making.borrow().is_some();
        let mut spare = open.iter().filter(|(_, making)| made(making)).count();
        open.retain(|(_, making)| {
            let kept = !made(making) || spare <= self.limits.moments;
            if !kept {
                spare -= 1;
            }
            kept
        });
    }

    fn open(&self) -> MutexGuard<'_, VecDeque<(Position, Making)>> {
        // A panic leaves it whole: no single statement changes it in part.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The moment of that position among the `open`, as the one that was read last.
fn find(open: &mut VecDeque<(Position, Making)>, position: Position) -> Option<Making> {
    // What failed, or ended without an answer, is made again.
    open.retain(|(_, making)| match &*making.borrow() {
        Some(made) => made.is_ok(),
        None => making.has_changed().is_ok(),
    });
    let place = open.iter().position(|(known, _)| *known == position)?;
    let found = open.remove(place)?;
    open.push_back(found.clone());
    Some(found.1)
}
