//! The program `eventflows`, as it is run in development.

use std::process::Command;

use crate::environment;
use crate::failure::Failure;
use crate::process;

/// Builds `eventflows`, and answers the command that runs it. It is built as the tests build it,
/// with what the members of the workspace ask of each other, so that nothing is compiled twice.
pub(crate) fn built() -> Result<Command, Failure> {
    let command = "build --workspace --bin eventflows --locked";
    process::run(&mut process::cargo(command.split(' ')))?;
    let program = environment::built("eventflows");
    let program = program.ok_or_else(|| Failure::new("eventflows is not where cargo builds"))?;
    Ok(process::program(program))
}
