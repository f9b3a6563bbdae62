//! The files of generations, and their end.

use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::ReadModelError;

/// What SQLite keeps beside a database.
const COMPANIONS: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// The files of a generation. Removed when dropped, if it was retired.
pub(super) struct Files {
    path: PathBuf,
    retired: AtomicBool,
}

impl Files {
    /// The files of the generation of that number beside `base`. Number 0 is `base` itself: a
    /// database from before there were generations.
    pub(super) fn of(base: &Path, number: u64) -> Self {
        let path = match number {
            0 => base.to_owned(),
            _ => base.with_extension(format!("{number}.db")),
        };
        Self {
            path,
            retired: AtomicBool::new(false),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
    }

    /// Removes the files of a database. What stays beside a removed one would spoil a new one.
    pub(super) fn remove(&self) -> Result<(), ReadModelError> {
        for companion in COMPANIONS {
            let mut file = self.path.clone().into_os_string();
            file.push(companion);
            match fs::remove_file(&file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(ReadModelError::Database(Box::new(error)));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Brings the database itself to the disk.
    pub(super) fn sync(&self) -> Result<(), ReadModelError> {
        let synced = File::open(&self.path).and_then(|file| file.sync_all());
        synced.map_err(|error| ReadModelError::Database(Box::new(error)))
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        if !self.retired.load(Ordering::Relaxed) {
            return;
        }
        if let Err(error) = self.remove() {
            tracing::warn!(
                file = %self.path.display(),
                error = &error as &dyn Error,
                "unused read tables are left; the next start tries again"
            );
        }
    }
}

/// The numbers of the generations beside `base`, the newest first.
pub(super) fn numbers(base: &Path) -> Result<Vec<u64>, ReadModelError> {
    let failed = |error: io::Error| ReadModelError::Database(Box::new(error));
    let directory = match base.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let stem = base.file_stem().unwrap_or_default().to_string_lossy();
    let mut numbers = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let name = name.to_string_lossy();
        let number: Option<u64> = name
            .strip_prefix(&*stem)
            .and_then(|rest| rest.strip_prefix('.')?.strip_suffix(".db")?.parse().ok());
        numbers.extend(number);
    }
    if base.exists() {
        numbers.push(0);
    }
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    Ok(numbers)
}
