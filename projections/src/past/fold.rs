//! Making the file of a moment: a copy of an earlier one, and the events since.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::Position;
use event_store::EventStore;
use rusqlite::{Connection, OpenFlags};

use super::PastError;
use crate::projector::Projector;
use crate::read::ReadModel;

/// Events read, and applied in one transaction, at once.
const PAGE: u64 = 2048;

/// A database file that goes with this value, its companions with it.
#[derive(Debug)]
pub(super) struct Scratch(pub(super) PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        for companion in ["", "-wal", "-shm", "-journal"] {
            let mut path = self.0.clone().into_os_string();
            path.push(companion);
            // Companions may be absent; what cannot be removed now is at the next start.
            let _absent = std::fs::remove_file(path);
        }
    }
}

/// What a moment starts from.
#[derive(Clone, Debug)]
pub(super) enum Start {
    /// The file of a snapshot: closed, and never opened by anybody.
    Snapshot(PathBuf),
    /// The file of a moment that may be open.
    Moment(PathBuf),
    Nothing,
}

/// Copies what `start` names to the new file `to`.
pub(super) async fn copy(start: Start, to: PathBuf) -> Result<(), PastError> {
    let copied = tokio::task::spawn_blocking(move || match start {
        Start::Snapshot(from) => Ok(std::fs::copy(from, to).map(drop)?),
        Start::Moment(from) => vacuum(&from, &to),
        Start::Nothing => Ok(()),
    });
    copied.await.map_err(std::io::Error::other)?
}

/// Writes all that `from` holds, committed but perhaps not checkpointed, to the new file `to`.
pub(super) fn vacuum(from: &Path, to: &Path) -> Result<(), PastError> {
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    source.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
    Ok(())
}

/// Applies the events that `model` lacks, up to `until`.
pub(super) async fn fold(
    model: &ReadModel,
    store: &Arc<dyn EventStore>,
    until: Position,
) -> Result<(), PastError> {
    let projector = Projector::new(model.clone(), Arc::clone(store));
    let read = async |after: Position| {
        let left = until.0.saturating_sub(after.0);
        let limit = usize::try_from(left.min(PAGE)).unwrap_or(usize::MAX);
        let mut page = store.read_all(after, limit).await?;
        page.retain(|envelope| envelope.position <= until);
        Ok::<_, PastError>(page)
    };
    let mut page = read(model.position()).await?;
    while let Some(last) = page.last() {
        // The next page is read while this one is applied.
        let (applied, next) = tokio::join!(projector.apply(&page), read(last.position));
        applied?;
        page = next?;
    }
    Ok(())
}
