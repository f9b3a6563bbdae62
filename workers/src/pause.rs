//! How long to wait before the next try of something that must succeed in the end.

use std::time::Duration;

use domain::Ids;
use domain::listener::RetryPolicy;
use domain::settlement::backoff;

/// Waits that grow with failures in a row: exponential, with jitter, bounded.
#[derive(Clone, Debug)]
pub(crate) struct Pause {
    policy: RetryPolicy,
    failures: u32,
}

impl Pause {
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        let millis = |wait: Duration| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let policy = RetryPolicy {
            max_attempts: u32::MAX,
            initial_backoff_ms: millis(first),
            max_backoff_ms: millis(longest),
            max_age_ms: None,
        };
        Self {
            policy,
            failures: 0,
        }
    }

    /// Failures in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Notes a failure; answers the wait after it, at least half of what the schedule says.
    pub(crate) fn failed(&mut self, ids: &dyn Ids) -> Duration {
        self.failures = self.failures.saturating_add(1);
        backoff(self.policy, self.failures, None, 0.5 + unit(ids) / 2.0)
    }
}

/// A random number in 0..1, of the random bits of a fresh identifier.
pub(crate) fn unit(ids: &dyn Ids) -> f64 {
    const BITS: u32 = 32;
    let random = ids.next().as_u128() & ((1 << BITS) - 1);
    random as f64 / f64::from(2_u32).powi(BITS.cast_signed())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    struct Always(u128);

    impl Ids for Always {
        fn next(&self) -> Uuid {
            Uuid::from_u128(self.0)
        }
    }

    #[test]
    fn waits_grow_to_the_longest_and_start_over_after_a_success() {
        let mut pause = Pause::new(Duration::from_millis(100), Duration::from_secs(1));
        let waits: Vec<_> = (0..6)
            .map(|_| pause.failed(&Always(0)).as_millis())
            .collect();
        assert_eq!(waits, [50, 100, 200, 400, 500, 500]);
        pause.succeeded();
        assert_eq!(pause.failed(&Always(0)).as_millis(), 50);
    }

    #[test]
    fn a_unit_is_below_one() {
        assert!(unit(&Always(u128::MAX)) < 1.0);
        assert_eq!(unit(&Always(0)).to_bits(), 0.0_f64.to_bits());
    }
}
