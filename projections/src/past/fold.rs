//! Making the file of a moment: a copy of an earlier one, and the events since.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::Position;
use event_store::EventStore;
use rusqlite::{Connection, OpenFlags};

use super::PastError;
use crate::apply::Target;
use crate::database::sqlite::SqliteDatabase;
use crate::rebuild::fill::{Filling, fill};

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

/// What a moment starts from: a file that nobody writes any more, a snapshot's or a moment's.
#[derive(Clone, Debug)]
pub(super) struct Start {
    pub(super) position: Position,
    pub(super) file: PathBuf,
}

/// What the file of a moment holds before anything is folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begun {
    /// All of it. The file is not to be written: it may be a snapshot's too.
    Whole,
    Part,
}

/// Makes the new file `to` of what there is to start from.
pub(super) async fn begin(
    start: Option<Start>,
    to: PathBuf,
    until: Position,
) -> Result<Begun, PastError> {
    let Some(start) = start else {
        return Ok(Begun::Part);
    };
    let begun = tokio::task::spawn_blocking(move || {
        // Not every file system has links.
        if start.position == until && std::fs::hard_link(&start.file, &to).is_ok() {
            return Ok(Begun::Whole);
        }
        std::fs::copy(start.file, to).map(|_| Begun::Part)
    });
    Ok(begun.await.map_err(std::io::Error::other)??)
}

/// Writes all that `from` holds, close together, to the new file `to`.
pub(super) fn vacuum(from: &Path, to: &Path) -> Result<(), PastError> {
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    source.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
    Ok(())
}

/// Applies the events that the file at `path` lacks, up to `until`.
pub(super) async fn fold(
    path: &Path,
    store: &Arc<dyn EventStore>,
    until: Position,
) -> Result<(), PastError> {
    let filling = Filling {
        tables: SqliteDatabase::new(path)?.to_fill().await?,
        target: Target {
            live: true,
            // Nobody follows a moment.
            changes_after: i64::MAX,
            events: false,
        },
        until,
    };
    Ok(fill(filling, store, |_| {}).await?)
}
