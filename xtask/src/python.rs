//! Python environments with pinned packages: the original's public client for the scenario that
//! calls the run gateway, and tools that come as wheels.

use std::fs;
use std::path::{Path, PathBuf};

use crate::environment;
use crate::failure::{Doing, Failure};
use crate::process;

/// Names the Python program to the tests.
pub(crate) const PROGRAM_VARIABLE: &str = "EVENTFLOWS_TEST_PYTHON";

/// The packages of the original's client.
const CLIENT: &str = "tests/python/requirements.txt";

/// The Python that has the original's client.
pub(crate) fn with_client() -> Result<PathBuf, Failure> {
    let directory = environment("python-client", CLIENT)?;
    Ok(program(&directory))
}

/// A virtual environment in the scratch folder `name` with the packages that `requirements` names,
/// every file of them by its hash. It is made again only when it is to hold other packages, or its
/// Python no longer runs.
pub(crate) fn environment(name: &str, requirements: &str) -> Result<PathBuf, Failure> {
    let directory = environment::scratch(name);
    let complete = directory.join("requirements.txt");
    let wanted = environment::root().join(requirements);
    let wanted = fs::read_to_string(wanted).doing(|| format!("read {requirements}"))?;
    let has = fs::read_to_string(&complete).unwrap_or_default();
    let python = program(&directory);
    if has != wanted || !process::succeeds(process::program(&python).arg("--version")) {
        make(&directory, &python, requirements)?;
        fs::write(&complete, wanted).doing(|| format!("write {}", complete.display()))?;
    }
    Ok(directory)
}

/// Its Python.
pub(crate) fn program(directory: &Path) -> PathBuf {
    directory.join("bin").join("python")
}

fn make(directory: &Path, python: &Path, requirements: &str) -> Result<(), Failure> {
    let named = directory.display();
    eprintln!("making a virtual environment in {named} for the packages in {requirements}");
    let mut venv = process::program("python3");
    process::run(venv.args(["-m", "venv", "--clear"]).arg(directory))?;
    let mut pip = process::program(python);
    pip.args(["-m", "pip", "--disable-pip-version-check", "install"]);
    pip.args(["--quiet", "--require-hashes", "--only-binary", ":all:"]);
    process::run(pip.args(["--requirement", requirements]))
}
