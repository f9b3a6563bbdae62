//! The right to work: a worker that is cut off from the others stops by itself.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Until when the worker may take messages on, call and publish.
pub(crate) struct Lease {
    length: Duration,
    until: watch::Sender<Option<Instant>>,
}

impl Lease {
    /// It has not begun.
    pub(crate) fn new(length: Duration) -> Self {
        Self {
            length,
            until: watch::Sender::new(None),
        }
    }

    /// How long it lasts, unless it is renewed.
    pub(crate) fn length(&self) -> Duration {
        self.length
    }

    /// Renews it: the worker had come as far as was required after that moment.
    pub(crate) fn renew(&self, since: Instant) {
        self.until.send_replace(Some(since + self.length));
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.until().is_some_and(|until| Instant::now() < until)
    }

    /// Whether it has ended after it had begun.
    pub(crate) fn has_ended(&self) -> bool {
        self.until().is_some_and(|until| Instant::now() >= until)
    }

    /// Waits until it is valid.
    pub(crate) async fn valid(&self) {
        let mut until = self.until.subscribe();
        while !self.is_valid() {
            if until.changed().await.is_err() {
                std::future::pending().await
            }
        }
    }

    /// Waits until it may have begun or ended.
    pub(crate) async fn changed(&self) {
        match self.until() {
            Some(until) if Instant::now() < until => sleep_until(until).await,
            _ => self.valid().await,
        }
    }

    fn until(&self) -> Option<Instant> {
        *self.until.borrow()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn a_lease_ends_unless_it_is_renewed() {
        let lease = Lease::new(LENGTH);
        assert!(!lease.is_valid() && !lease.has_ended());
        let began = Instant::now();
        lease.renew(began);
        assert!(lease.is_valid());
        lease.changed().await;
        assert_eq!(began.elapsed(), LENGTH);
        assert!(!lease.is_valid() && lease.has_ended());
        lease.renew(began);
        assert!(!lease.is_valid());
        lease.renew(began + Duration::from_secs(1));
        lease.valid().await;
    }
}
