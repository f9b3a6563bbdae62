//! Sees to it that the Rust toolchain has the components which the checks use.

use crate::failure::Failure;
use crate::process;

/// Adds rustfmt and clippy where a minimal toolchain came without them.
pub(crate) fn ensure_components() -> Result<(), Failure> {
    for (component, subcommand) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if process::succeeds(&mut process::cargo([subcommand, "--version"])) {
            continue;
        }
        eprintln!("adding {component} to the Rust toolchain");
        process::run(process::program("rustup").args(["component", "add", component])).map_err(
            |failure| {
                Failure::new(format!(
                    "{failure}; the Rust toolchain lacks {component}: install it the way the \
                     toolchain came and try again"
                ))
            },
        )?;
    }
    Ok(())
}
