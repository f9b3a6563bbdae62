//! When failures are not the messages' fault, and when to try again: the rules, without the waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::settlement::Reason;
use tokio::time::Instant;

/// Failed calls in a row, of whatever messages, that mean that the endpoint is down.
const FAILURES: u32 = 10;

/// Failed calls with no answered one between them. Clones name the same row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Streak(Arc<AtomicBool>);

/// Opens when the endpoint fails for everybody; one answer closes it.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    streak: Streak,
    failures: u32,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    /// Probes that failed.
    probes: u32,
    next_probe: Instant,
}

impl Streak {
    /// Whether the breaker opened over it: its failures were not their messages' fault.
    pub(crate) fn tripped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Breaker {
    /// When the next probe may be made; `None` while calls may be made freely.
    pub(crate) fn probe_at(&self) -> Option<Instant> {
        self.open.as_ref().map(|open| open.next_probe)
    }

    /// The row that a failure now would belong to.
    pub(crate) fn streak(&self) -> Streak {
        self.streak.clone()
    }

    /// Probes that failed since it opened.
    pub(crate) fn probes(&self) -> u32 {
        self.open.as_ref().map_or(0, |open| open.probes)
    }

    /// The endpoint answered for itself. Answers whether that closed it.
    pub(crate) fn answered(&mut self) -> bool {
        self.failures = 0;
        self.streak = Streak::default();
        self.open.take().is_some()
    }

    /// A call failed that may pass later. Answers why the breaker opened, if it did.
    pub(crate) fn failed(&mut self, is_probe: bool, next_probe: Instant) -> Option<Reason> {
        self.failures = self.failures.saturating_add(1);
        if self.open.is_some() {
            self.postpone(is_probe, next_probe);
            return None;
        }
        if self.failures < FAILURES {
            return None;
        }
        self.trip(next_probe);
        Some(Reason::EndpointUnavailable)
    }

    /// The endpoint does not accept us. Answers why the breaker opened, if it did.
    pub(crate) fn refused(&mut self, is_probe: bool, next_probe: Instant) -> Option<Reason> {
        if self.open.is_some() {
            self.postpone(is_probe, next_probe);
            return None;
        }
        self.trip(next_probe);
        Some(Reason::NotAuthorized)
    }

    /// Opens over the present row of failures, unless it is open.
    pub(crate) fn trip(&mut self, next_probe: Instant) -> bool {
        if self.open.is_some() {
            return false;
        }
        self.streak.0.store(true, Ordering::Relaxed);
        self.open = Some(Open {
            probes: 0,
            next_probe,
        });
        true
    }

    /// Calls from before it opened do not put the next probe off.
    fn postpone(&mut self, is_probe: bool, next_probe: Instant) {
        if let Some(open) = &mut self.open
            && is_probe
        {
            open.probes = open.probes.saturating_add(1);
            open.next_probe = next_probe;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn failing(times: u32) -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..times {
            breaker.failed(false, Instant::now());
        }
        breaker
    }

    #[test]
    fn ten_failures_in_a_row_open_it_and_one_answer_closes_it() {
        let mut breaker = failing(FAILURES - 1);
        let streak = breaker.streak();
        assert_eq!(breaker.probe_at(), None);
        let tripped = breaker.failed(false, Instant::now());
        assert_eq!(tripped, Some(Reason::EndpointUnavailable));
        assert!(breaker.probe_at().is_some());
        assert!(streak.tripped());
        assert!(breaker.answered());
        assert_eq!(breaker.probe_at(), None);
        assert!(!breaker.streak().tripped());
    }

    #[test]
    fn an_answer_between_failures_keeps_it_closed() {
        let mut breaker = failing(FAILURES - 1);
        let streak = breaker.streak();
        assert!(!breaker.answered());
        assert_eq!(breaker.failed(false, Instant::now()), None);
        assert!(!streak.tripped());
        assert!(!streak.is(&breaker.streak()));
    }

    #[test]
    fn a_refusal_of_our_credentials_opens_it_at_once() {
        let mut breaker = Breaker::default();
        let opened = breaker.refused(false, Instant::now());
        assert_eq!(opened, Some(Reason::NotAuthorized));
        assert_eq!(breaker.refused(true, Instant::now()), None);
        assert_eq!(breaker.probes(), 1);
    }

    #[test]
    fn only_a_probe_puts_the_next_probe_off() {
        let mut breaker = failing(FAILURES);
        let before = breaker.probe_at();
        let later = Instant::now() + Duration::from_secs(9);
        breaker.failed(false, later);
        assert_eq!(breaker.probe_at(), before);
        breaker.failed(true, later);
        assert_eq!(breaker.probe_at(), Some(later));
    }

    proptest! {
        #[test]
        fn it_is_open_when_the_last_ten_or_more_failed(
            answers in proptest::collection::vec(proptest::bool::weighted(0.1), 0..200),
        ) {
            let mut breaker = Breaker::default();
            for answered in &answers {
                if *answered {
                    breaker.answered();
                } else {
                    breaker.failed(false, Instant::now());
                }
            }
            let row = answers.iter().rev().take_while(|answered| !**answered).count();
            prop_assert_eq!(breaker.probe_at().is_some(), row >= FAILURES as usize);
        }
    }
}
