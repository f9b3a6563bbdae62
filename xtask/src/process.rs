//! Runs other programs from the root of the checkout and turns their ends into failures.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};

use crate::environment;
use crate::failure::{Doing, Failure};

pub(crate) fn cargo<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = program(environment::cargo_program());
    command.args(arguments);
    command
}

pub(crate) fn program(name: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(environment::root());
    command
}

/// Runs to the end with the terminal's own input and output.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let status = command
        .status()
        .doing(|| format!("run {}", describe(command)))?;
    succeeded(command, status)
}

/// Runs to the end and returns what was printed; complaints go to the terminal.
pub(crate) fn output(command: &mut Command) -> Result<String, Failure> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .doing(|| format!("run {}", describe(command)))?;
    succeeded(command, output.status)?;
    String::from_utf8(output.stdout).map_err(|_| {
        Failure::new(format!(
            "{} printed something else than text",
            describe(command)
        ))
    })
}

/// Whether the program exists and ends well; nothing is printed.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

pub(crate) fn is_root() -> bool {
    output(program("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

/// The command line as a person would type it, without the path of the program.
pub(crate) fn describe(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let name = program.file_name().unwrap_or(command.get_program());
    std::iter::once(name)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<(), Failure> {
    if status.success() {
        return Ok(());
    }
    let message = format!("`{}` failed ({status})", describe(command));
    Err(Failure::with_exit_code(message, exit_code(status)))
}

/// A program ended by a signal counts as 128 + signal, as shells have it.
fn exit_code(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_program_hands_on_its_exit_code() {
        let failure = run(program("sh").args(["-c", "exit 7"])).unwrap_err();
        assert_eq!(failure.exit_code(), 7);
        assert_eq!(
            failure.to_string(),
            "`sh -c exit 7` failed (exit status: 7)"
        );
    }

    #[test]
    fn a_killed_program_counts_as_its_signal() {
        let failure = run(program("sh").args(["-c", "kill -9 $$"])).unwrap_err();
        assert_eq!(failure.exit_code(), 137);
    }

    #[test]
    fn an_absent_program_does_not_succeed() {
        assert!(!succeeds(&mut program("no-such-program-anywhere")));
    }
}
