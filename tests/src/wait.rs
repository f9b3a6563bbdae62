//! Waiting for a condition, never for a time.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long a condition may take. Far above what it takes, so that a slow machine does not fail.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Whether minutes may be spent on what seconds can only sample.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the test command says how much to test in the environment"
)]
pub fn is_long() -> bool {
    std::env::var_os("EVENTFLOWS_TEST_LONG").is_some()
}

/// Looks until `look` finds something.
///
/// # Panics
/// It does not within a minute.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        sleep(Duration::from_millis(25)).await;
    }
}
