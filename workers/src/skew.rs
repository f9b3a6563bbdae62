//! What a test adds to the clock of a process, and takes from it again, while it runs.
//!
//! Without the feature `testing`, and so in a release, it is nothing.

use jiff::SignedDuration;

/// The variable that names a file with the number of seconds.
pub const VARIABLE: &str = "EVENTFLOWS_CLOCK_SKEW";

/// How far the clock of this process is to be ahead of the system's.
#[must_use]
pub fn ahead() -> SignedDuration {
    #[cfg(feature = "testing")]
    return stepped::ahead();
    #[cfg(not(feature = "testing"))]
    SignedDuration::ZERO
}

#[cfg(feature = "testing")]
mod stepped {
    use std::path::PathBuf;
    use std::sync::LazyLock;

    use jiff::SignedDuration;

    static FILE: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
        #[expect(
            clippy::disallowed_methods,
            reason = "only a build for tests asks, and nothing that is shipped is to carry the answer"
        )]
        let said = std::env::var_os(super::VARIABLE);
        said.map(PathBuf::from)
    });

    pub(super) fn ahead() -> SignedDuration {
        let Some(file) = &*FILE else {
            return SignedDuration::ZERO;
        };
        let said = std::fs::read_to_string(file).expect("the test keeps its file");
        SignedDuration::from_secs(said.parse().expect("the test writes seconds"))
    }
}
