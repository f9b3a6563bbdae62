//! The directory that holds everything a server keeps, used by one server at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use domain::lease::Holder;
use domain::{Ids, WorkerId};
use uuid::Uuid;

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    #[error("{path} cannot be used as the data directory")]
    Io {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{0} is used by another eventflows")]
    InUse(PathBuf),
    #[error("{0} does not hold a worker's id")]
    WorkerId(PathBuf),
}

/// A data directory, locked until dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    lock: File,
}

impl DataDir {
    /// Makes the directory where it is absent, and locks it.
    ///
    /// # Errors
    /// It cannot be made or written, or another process has it.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let failed = |source| DataDirError::Io {
            path: path.to_owned(),
            source,
        };
        std::fs::create_dir_all(path).map_err(failed)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("lock"))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                lock,
            }),
            Err(TryLockError::WouldBlock) => Err(DataDirError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the files of the read models are called after, `read.1.db` and so on; they may be
    /// deleted while no server runs, and are then rebuilt.
    #[must_use]
    pub fn read_models(&self) -> PathBuf {
        self.path.join("read.db")
    }

    /// The read models of earlier moments; may be deleted while no server runs.
    #[must_use]
    pub fn past(&self) -> PathBuf {
        self.path.join("past")
    }

    /// The journal of the worker inside.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.path.join("journal.db")
    }

    /// The id of the worker inside: drawn once, then the same after every restart.
    ///
    /// # Errors
    /// Its file cannot be read or written, or holds something else.
    pub fn worker_id(&self, ids: &dyn Ids) -> Result<WorkerId, DataDirError> {
        let path = self.path.join("worker-id");
        let failed = |source| DataDirError::Io {
            path: path.clone(),
            source,
        };
        if !path.exists() {
            std::fs::write(&path, ids.next().to_string()).map_err(failed)?;
        }
        let text = std::fs::read_to_string(&path).map_err(failed)?;
        let id = Uuid::parse_str(text.trim()).map_err(|_| DataDirError::WorkerId(path.clone()))?;
        Ok(WorkerId(id))
    }

    /// Who holds leases for the worker: it alone, as long as it is here. A copy of the directory has
    /// a lock of its own, which is another file.
    ///
    /// # Errors
    /// The lock cannot be looked at.
    pub fn holder(&self, worker: WorkerId) -> Result<Holder, DataDirError> {
        let metadata = self.lock.metadata();
        let metadata = metadata.map_err(|source| DataDirError::Io {
            path: self.path.clone(),
            source,
        })?;
        let place = Uuid::new_v5(&worker.0, &metadata.ino().to_be_bytes());
        Ok(Holder { worker, place })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::RandomIds;

    #[test]
    fn a_directory_serves_one_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let first = DataDir::open(directory.path()).unwrap();
        let second = DataDir::open(directory.path());
        assert!(matches!(second, Err(DataDirError::InUse(_))));
        drop(first);
        assert!(DataDir::open(directory.path()).is_ok());
    }

    #[test]
    fn a_copy_of_a_directory_is_another_holder() {
        let (one, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let opened = DataDir::open(one.path()).unwrap();
        let worker = opened.worker_id(&RandomIds).unwrap();
        let holder = opened.holder(worker).unwrap();
        for file in ["lock", "worker-id"] {
            std::fs::copy(one.path().join(file), copy.path().join(file)).unwrap();
        }
        drop(opened);
        let again = DataDir::open(one.path()).unwrap();
        assert_eq!(again.holder(worker).unwrap(), holder);
        let copied = DataDir::open(copy.path()).unwrap();
        assert_eq!(copied.worker_id(&RandomIds).unwrap(), worker);
        assert_ne!(copied.holder(worker).unwrap(), holder);
    }

    #[test]
    fn a_worker_keeps_its_id() {
        let directory = tempfile::tempdir().unwrap();
        let data = DataDir::open(directory.path()).unwrap();
        let drawn = data.worker_id(&RandomIds).unwrap();
        assert_eq!(data.worker_id(&RandomIds).unwrap(), drawn);
    }

    #[test]
    fn a_spoilt_worker_id_is_not_replaced_silently() {
        let directory = tempfile::tempdir().unwrap();
        let data = DataDir::open(directory.path()).unwrap();
        std::fs::write(directory.path().join("worker-id"), "").unwrap();
        let spoilt = data.worker_id(&RandomIds);
        assert!(matches!(spoilt, Err(DataDirError::WorkerId(_))));
    }
}
