//! How often something may happen: some at once, then so many a minute.

use std::time::Duration;

use tokio::time::Instant;

/// A bucket of tokens, one of which is taken each time; they come back evenly over a minute.
#[derive(Debug)]
pub(super) struct Frequency {
    a_minute: u32,
    /// When the bucket would be full again.
    full_at: Instant,
}

impl Frequency {
    /// Up to `a_minute` at once, and as many a minute.
    pub(super) fn new(a_minute: u32, now: Instant) -> Self {
        Self {
            a_minute,
            full_at: now,
        }
    }

    /// Whether it may happen now, and if so, that it does.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let minute = Duration::from_secs(60);
        let full_at = self.full_at.max(now) + minute / self.a_minute;
        if full_at > now + minute {
            return false;
        }
        self.full_at = full_at;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minutes_worth_may_come_at_once_and_then_one_after_another() {
        let now = Instant::now();
        let mut frequency = Frequency::new(60, now);
        assert!((0..60).all(|_| frequency.take(now)));
        assert!(!frequency.take(now));
        let second = Duration::from_secs(1);
        assert!(frequency.take(now + second));
        assert!(!frequency.take(now + second));
        assert!((0..60).all(|_| frequency.take(now + second * 100)));
        assert!(!frequency.take(now + second * 100));
    }
}
