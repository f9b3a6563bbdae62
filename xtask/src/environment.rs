//! The one place of xtask that reads the environment and knows where the checkout is.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The checkout that xtask was built from.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in a folder of the checkout")
}

/// A program of the workspace that was built beside xtask.
pub(crate) fn built(program: &str) -> Option<PathBuf> {
    let xtask = std::env::current_exe().ok()?;
    Some(xtask.parent()?.join(program)).filter(|path| path.exists())
}

/// A program of the workspace that was built for release.
pub(crate) fn built_for_release(program: &str) -> Option<PathBuf> {
    let xtask = std::env::current_exe().ok()?;
    let profiles = xtask.parent()?.parent()?;
    Some(profiles.join("release").join(program)).filter(|path| path.exists())
}

/// Where xtask keeps what it downloads and runs, whichever target directory cargo builds into.
pub(crate) fn scratch(name: &str) -> PathBuf {
    root().join("target").join(name)
}

/// Where any user of the machine may have a directory, which those above a checkout may forbid.
pub(crate) fn temporary() -> PathBuf {
    std::env::temp_dir()
}

/// The cargo that runs xtask, so that every step uses the same toolchain.
pub(crate) fn cargo_program() -> OsString {
    variable("CARGO").unwrap_or_else(|| OsString::from("cargo"))
}

/// Whether a machine decides by the outcome: what a person may be told must fail there.
pub(crate) fn is_ci() -> bool {
    variable("CI").is_some_and(|value| value == "true")
}

/// An environment variable, absent when unset or empty.
#[expect(
    clippy::disallowed_methods,
    reason = "xtask is a program of its own, and this is its only reader of the environment"
)]
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
