//! Sees to it that the Rust toolchain has the components which the checks use, and says whether its
//! lints decide.

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

/// What the toolchain's warnings mean.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Lints {
    /// They are errors.
    Deny,
    /// They are shown: the toolchain is newer than the one that the code is kept clean by.
    Warn { note: String },
}

/// A newer toolchain has lints that the code never saw, which must not fail a newcomer's first
/// command.
pub(crate) fn lints() -> Result<Lints, Failure> {
    let version = process::output(&mut process::cargo(["--version"]))?;
    Ok(lints_of(&version, env!("CARGO_PKG_RUST_VERSION")))
}

/// `version` is what `cargo --version` prints: `cargo 1.95.0 (…)`.
fn lints_of(version: &str, kept_clean_by: &str) -> Lints {
    let number = version.split(' ').nth(1).unwrap_or_default();
    if release(number) <= release(kept_clean_by) {
        return Lints::Deny;
    }
    Lints::Warn {
        note: format!(
            "the toolchain {number} is newer than {kept_clean_by}, by whose lints the code is kept \
             clean: warnings did not fail"
        ),
    }
}

/// Major and minor number.
fn release(number: &str) -> Vec<u32> {
    let parts = number.split('.').take(2);
    parts.map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_fail_but_on_a_newer_toolchain() {
        for (version, denies) in [
            ("cargo 1.95.0 (f2d3ce0bd 2026-03-21)", true),
            ("cargo 1.95.2 (f2d3ce0bd 2026-05-01)", true),
            ("cargo 1.9.0 (f2d3ce0bd 2016-05-01)", true),
            ("cargo 1.96.0-nightly (f2d3ce0bd 2026-04-01)", false),
            ("cargo 1.100.0 (f2d3ce0bd 2027-01-01)", false),
            ("cargo 2.0.0 (f2d3ce0bd 2027-01-01)", false),
        ] {
            assert_eq!(
                lints_of(version, "1.95") == Lints::Deny,
                denies,
                "{version}"
            );
        }
    }
}
