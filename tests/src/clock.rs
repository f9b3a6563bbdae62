//! The clock of a server, which a test can step.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use workers::skew;

/// What a server's clock is ahead of the system's.
pub struct Clock {
    directory: TempDir,
    file: PathBuf,
}

impl Clock {
    /// Not ahead at all.
    #[must_use]
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("skew");
        let clock = Self { directory, file };
        clock.step_to(0);
        clock
    }

    /// The variable that has a server go by it.
    #[must_use]
    pub fn variable(&self) -> (&str, &Path) {
        (skew::VARIABLE, &self.file)
    }

    /// Has it be that many seconds ahead of the system's from now on, or behind it.
    pub fn step_to(&self, seconds: i64) {
        let new = self.directory.path().join("new");
        fs::write(&new, seconds.to_string()).unwrap();
        fs::rename(new, &self.file).unwrap();
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}
