//! A repository in a temporary folder, for tests of rules that ask git.

use std::fs;
use std::path::{Path, PathBuf};

use crate::process;

/// Removed with this value.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// Without a commit. Each test names its own.
    pub(super) fn new(test: &str) -> Self {
        let root = std::env::temp_dir().join(format!("tidy-{test}-{}", std::process::id()));
        fs::create_dir_all(&root).unwrap();
        let scratch = Self(root);
        scratch.git(&["init", "--quiet"]);
        scratch
    }

    pub(super) fn root(&self) -> &Path {
        &self.0
    }

    pub(super) fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(super) fn write_version(&self, version: &str) {
        self.write("Cargo.toml", &Self::manifest(version));
    }

    pub(super) fn manifest(version: &str) -> String {
        format!("[workspace.package]\nversion = \"{version}\"\n")
    }

    pub(super) fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--no-gpg-sign", "--message", "change"]);
    }

    /// A clone that has the last commit alone.
    pub(super) fn shallow_clone(&self) -> PathBuf {
        let source = format!("file://{}", self.0.display());
        self.git(&["clone", "--quiet", "--depth=1", &source, "shallow"]);
        self.0.join("shallow")
    }

    pub(super) fn git(&self, arguments: &[&str]) {
        let mut git = process::program("git");
        git.current_dir(&self.0);
        git.args(["-c", "user.name=t", "-c", "user.email=t@example.org"]);
        process::run(git.args(arguments)).unwrap();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}
