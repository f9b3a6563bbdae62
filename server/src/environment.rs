//! The clock and the randomness of the real world.

use domain::{Clock, Ids};
use jiff::Timestamp;
use uuid::Uuid;

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the clock"
    )]
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        now.checked_add(workers::skew::ahead()).unwrap_or(now)
    }
}

/// Random bytes to make a private key of.
///
/// # Errors
/// The system has none to give.
pub fn random_seed() -> std::io::Result<[u8; 32]> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(std::io::Error::other)?;
    Ok(seed)
}

/// Random identifiers, ordered by time.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    #[expect(clippy::disallowed_methods, reason = "the one place that draws ids")]
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}
