//! Asks git about a checkout.

use std::collections::BTreeMap;
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

    /// Path → git's id of the contents, for the files of a folder as a commit has them.
    pub(crate) fn contents(
        &self,
        commit: &str,
        folder: &str,
    ) -> Result<BTreeMap<String, String>, Failure> {
        let listing = self.ask(&["ls-tree", "-r", "-z", commit, "--", folder])?;
        // `<mode> blob <id><tab><path>`
        let files = listing.split_terminator('\0').filter_map(|line| {
            let (blob, path) = line.split_once('\t')?;
            let (_, id) = blob.rsplit_once(' ')?;
            Some((path.to_owned(), id.to_owned()))
        });
        Ok(files.collect())
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
