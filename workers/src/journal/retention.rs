//! How long finished runs are kept.

use std::time::Duration;

/// Runs looked at, and so deleted, at once.
pub(super) const BATCH: i64 = 2000;

/// How long, and how many of, a listener's finished runs are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    pub keep: Duration,
    /// Per listener.
    pub runs: u64,
}

impl Default for Retention {
    /// Seven days and a million runs.
    fn default() -> Self {
        Self {
            keep: Duration::from_secs(7 * 24 * 60 * 60),
            runs: 1_000_000,
        }
    }
}
