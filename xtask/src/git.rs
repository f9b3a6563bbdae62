//! Asks git about a checkout.

use std::path::Path;
use std::process::Command;

use crate::failure::Failure;
use crate::process;

/// The checkout at a path. Its questions change nothing.
pub(crate) struct Repository<'a> {
    root: &'a Path,
}

impl<'a> Repository<'a> {
    pub(crate) fn at(root: &'a Path) -> Self {
        Self { root }
    }

    pub(crate) fn ask(&self, arguments: &[&str]) -> Result<String, Failure> {
        process::output(&mut self.command(arguments))
    }

    pub(crate) fn has_commits(&self) -> bool {
        process::succeeds(&mut self.command(&["rev-parse", "--verify", "HEAD"]))
    }

    /// A shallow clone's oldest commit seems to have added every file.
    pub(crate) fn is_shallow(&self) -> Result<bool, Failure> {
        let answer = self.ask(&["rev-parse", "--is-shallow-repository"])?;
        Ok(answer.trim() == "true")
    }

    /// Works also where another user owns the checkout, as in a container's mounted folder.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut git = process::program("git");
        git.current_dir(self.root).arg("-c");
        git.arg(format!("safe.directory={}", self.root.display()));
        git.args(arguments);
        git
    }
}
