//! A Python with the original's public client in it, for the scenario that calls the run gateway.

use std::fs;
use std::path::{Path, PathBuf};

use crate::environment;
use crate::failure::{Doing, Failure};
use crate::process;

/// Names the Python program to the tests.
pub(crate) const PROGRAM_VARIABLE: &str = "EVENTFLOWS_TEST_PYTHON";

/// What it must have, every file of it by its hash.
const REQUIREMENTS: &str = "tests/python/requirements.txt";

/// The virtual environment's program; the environment is made anew only when it is to hold other
/// packages, or its Python is gone.
pub(crate) fn ensure() -> Result<PathBuf, Failure> {
    let directory = environment::scratch("python-client");
    let program = directory.join("bin").join("python");
    let complete = directory.join("requirements.txt");
    let wanted = environment::root().join(REQUIREMENTS);
    let wanted = fs::read_to_string(wanted).doing(|| format!("read {REQUIREMENTS}"))?;
    let has = fs::read_to_string(&complete).unwrap_or_default();
    if has != wanted || !process::succeeds(process::program(&program).arg("--version")) {
        make(&directory, &program)?;
        fs::write(&complete, wanted).doing(|| format!("write {}", complete.display()))?;
    }
    Ok(program)
}

fn make(directory: &Path, program: &Path) -> Result<(), Failure> {
    let named = directory.display();
    eprintln!("making a virtual environment in {named} for the packages in {REQUIREMENTS}");
    let mut venv = process::program("python3");
    process::run(venv.args(["-m", "venv", "--clear"]).arg(directory))?;
    let mut pip = process::program(program);
    pip.args(["-m", "pip", "--disable-pip-version-check", "install"]);
    pip.args(["--quiet", "--require-hashes", "--only-binary", ":all:"]);
    process::run(pip.args(["--requirement", REQUIREMENTS]))
}
