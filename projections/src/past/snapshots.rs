//! The snapshots: closed files of the read models at every so many events.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::Position;
use event_store::EventStore;

use super::fold::Start;
use super::{Moment, PastError, PastLimits, fold};

/// Ends the name of a snapshot.
const ENDING: &str = "db";

/// Ends the name of one that is being written.
const PART: &str = "part";

/// All snapshots of one log. Clones share them.
#[derive(Clone)]
pub(super) struct Snapshots {
    directory: PathBuf,
    limits: PastLimits,
    kept: Arc<Mutex<BTreeMap<Position, Kept>>>,
}

#[derive(Clone, Debug)]
struct Kept {
    path: PathBuf,
    bytes: u64,
}

impl Snapshots {
    /// The snapshots in `directory`. Their names hold the event that they end with, so that those
    /// of another log are known, and removed with what is half made.
    pub(super) async fn open(
        directory: PathBuf,
        store: &dyn EventStore,
        limits: &PastLimits,
    ) -> Result<Self, PastError> {
        std::fs::create_dir_all(&directory)?;
        let mut kept = BTreeMap::new();
        for entry in std::fs::read_dir(&directory)? {
            let entry = entry?;
            let path = entry.path();
            let position = position(&path);
            let name = match position {
                Some(position) => name(position, store).await?,
                None => None,
            };
            match (position, name) {
                (Some(position), Some(name)) if path.file_name() == Some(name.as_ref()) => {
                    let bytes = entry.metadata()?.len();
                    kept.insert(position, Kept { path, bytes });
                }
                _ => std::fs::remove_file(path)?,
            }
        }
        let snapshots = Self {
            directory,
            limits: *limits,
            kept: Arc::new(Mutex::new(kept)),
        };
        snapshots.thin()?;
        Ok(snapshots)
    }

    /// The position of the next snapshot.
    pub(super) fn due(&self) -> Position {
        let kept = self.kept();
        let spacing = self.spacing(&kept);
        let last = kept.last_key_value().map_or(0, |(position, _)| position.0);
        Position((last / spacing + 1) * spacing)
    }

    pub(super) fn positions(&self) -> Vec<Position> {
        self.kept().keys().copied().collect()
    }

    /// The last snapshot at or below `position`.
    pub(super) fn nearest(&self, position: Position) -> Option<Start> {
        let kept = self.kept();
        let (position, kept) = kept.range(..=position).next_back()?;
        Some(Start {
            position: *position,
            file: kept.path.clone(),
        })
    }

    /// Keeps what `moment` holds.
    pub(super) async fn keep(
        &self,
        moment: &Moment,
        store: &dyn EventStore,
    ) -> Result<(), PastError> {
        let Some(name) = name(moment.position(), store).await? else {
            return Ok(());
        };
        let path = self.directory.join(name);
        let (from, to) = (moment.file().clone(), path.clone());
        let written = tokio::task::spawn_blocking(move || write(&from, &to));
        let bytes = written.await.map_err(std::io::Error::other)??;
        self.kept().insert(moment.position(), Kept { path, bytes });
        self.thin()
    }

    /// Drops every other snapshot while there are too many.
    fn thin(&self) -> Result<(), PastError> {
        let mut kept = self.kept();
        let mut spacing = self.spacing(&kept);
        loop {
            let gone = |position: &Position| !position.0.is_multiple_of(spacing);
            let dropped: Vec<Position> = kept.keys().copied().filter(gone).collect();
            for position in dropped {
                if let Some(kept) = kept.remove(&position) {
                    std::fs::remove_file(kept.path)?;
                }
            }
            let bytes: u64 = kept.values().map(|kept| kept.bytes).sum();
            let many = kept.len() > self.limits.snapshots || bytes > self.limits.snapshot_bytes;
            if !many || kept.len() <= 2 {
                return Ok(());
            }
            spacing *= 2;
        }
    }

    /// How many events are between two snapshots: what all that are there are multiples of, and
    /// so what it was doubled to.
    fn spacing(&self, kept: &BTreeMap<Position, Kept>) -> u64 {
        let mut spacing = self.limits.spacing;
        let fits = |spacing: u64| kept.keys().all(|kept| kept.0.is_multiple_of(spacing));
        while kept.len() > 1 && fits(spacing * 2) {
            spacing *= 2;
        }
        spacing
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<Position, Kept>> {
        // A panic leaves it whole: no single statement changes it in part.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a closed copy, whole under its name or not at all, and answers its size.
fn write(from: &Path, to: &Path) -> Result<u64, PastError> {
    let part = to.with_extension(PART);
    if part.exists() {
        std::fs::remove_file(&part)?;
    }
    fold::vacuum(from, &part)?;
    let file = File::open(&part)?;
    file.sync_all()?;
    std::fs::rename(&part, to)?;
    if let Some(directory) = to.parent() {
        File::open(directory)?.sync_all()?;
    }
    Ok(file.metadata()?.len())
}

/// The name of the snapshot at `position`; none where the log does not reach it.
async fn name(position: Position, store: &dyn EventStore) -> Result<Option<String>, PastError> {
    let before = Position(position.0.saturating_sub(1));
    let last = store.read_all(before, 1).await?;
    let last = last.first().filter(|last| last.position == position);
    Ok(last.map(|last| format!("{position}-{}.{ENDING}", last.id)))
}

/// The position in the name of a snapshot.
fn position(path: &Path) -> Option<Position> {
    let (position, _) = path.file_stem()?.to_str()?.split_once('-')?;
    position.parse().ok().map(Position)
}
