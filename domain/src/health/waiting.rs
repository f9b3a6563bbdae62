//! The messages that wait for a call: in their order, or as probes of an endpoint that is down.

use std::collections::VecDeque;
use std::time::Duration;

/// One probe in so many is a message that has been tried; the others were not, and say more.
const TRIED_EVERY: u32 = 4;

/// A message that is to be called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Candidate {
    /// Whether it has not been called since it was received.
    pub is_fresh: bool,
    pub company: Company,
}

/// Who may be called at the same time as a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Company {
    /// Anybody.
    #[default]
    Others,
    /// Nobody, unless the calls under way take long: it may have been refused for their sake.
    NobodyIfSoon,
    /// Nobody, unless they take very long: its last call may have taken the worker down.
    Nobody,
}

impl Company {
    /// How long the calls under way may take to end; none where they need not.
    pub(super) fn patience(self) -> Option<Duration> {
        match self {
            Self::Others => None,
            Self::NobodyIfSoon => Some(Duration::from_secs(2)),
            Self::Nobody => Some(Duration::from_secs(10)),
        }
    }
}

/// Those who wait, each with what its owner knows it by.
#[derive(Debug)]
pub(super) struct Waiting<W> {
    fresh: VecDeque<Entry<W>>,
    tried: VecDeque<Entry<W>>,
    arrivals: u64,
}

#[derive(Debug)]
pub(super) struct Entry<W> {
    pub(super) candidate: Candidate,
    pub(super) waiter: W,
    arrival: u64,
}

impl<W> Default for Waiting<W> {
    fn default() -> Self {
        Self {
            fresh: VecDeque::new(),
            tried: VecDeque::new(),
            arrivals: 0,
        }
    }
}

impl<W> Waiting<W> {
    pub(super) fn push(&mut self, candidate: Candidate, waiter: W) {
        let entry = Entry {
            candidate,
            waiter,
            arrival: self.arrivals,
        };
        self.arrivals += 1;
        if candidate.is_fresh {
            self.fresh.push_back(entry);
        } else {
            self.tried.push_back(entry);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.tried.is_empty()
    }

    /// Those that have not been called.
    pub(super) fn fresh(&self) -> usize {
        self.fresh.len()
    }

    /// The one that came first.
    pub(super) fn first(&self) -> Option<&Candidate> {
        let first = match (self.fresh.front(), self.tried.front()) {
            (Some(fresh), Some(tried)) if tried.arrival < fresh.arrival => Some(tried),
            (None, tried) => tried,
            (fresh, _) => fresh,
        };
        first.map(|entry| &entry.candidate)
    }

    /// The one that came first, if `may` it be called.
    pub(super) fn pop(&mut self, may: impl Fn(&Candidate) -> bool) -> Option<Entry<W>> {
        let fresh = self.fresh.front().map(|entry| entry.arrival);
        let tried = self.tried.front().map(|entry| entry.arrival);
        let takes_fresh = fresh.is_some_and(|fresh| tried.is_none_or(|tried| fresh < tried));
        self.take(takes_fresh, may)
    }

    /// The one for the probe of that number, if `may` it be called.
    pub(super) fn pop_probe(
        &mut self,
        number: u32,
        may: impl Fn(&Candidate) -> bool,
    ) -> Option<Entry<W>> {
        let wants_tried = number % TRIED_EVERY == TRIED_EVERY - 1;
        let takes_fresh = match (self.fresh.is_empty(), self.tried.is_empty()) {
            (false, false) => !wants_tried,
            (is_empty, _) => !is_empty,
        };
        self.take(takes_fresh, may)
    }

    fn take(&mut self, fresh: bool, may: impl Fn(&Candidate) -> bool) -> Option<Entry<W>> {
        let queue = if fresh {
            &mut self.fresh
        } else {
            &mut self.tried
        };
        queue.pop_front_if(|entry| may(&entry.candidate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(fresh: &[bool]) -> Waiting<usize> {
        let mut waiting = Waiting::default();
        for (number, is_fresh) in fresh.iter().enumerate() {
            let candidate = Candidate {
                is_fresh: *is_fresh,
                company: Company::Others,
            };
            waiting.push(candidate, number);
        }
        waiting
    }

    #[test]
    fn calls_are_made_in_the_order_of_arrival() {
        let mut waiting = waiting(&[true, false, false, true, true]);
        let order: Vec<_> = std::iter::from_fn(|| waiting.pop(|_| true))
            .map(|entry| entry.waiter)
            .collect();
        assert_eq!(order, [0, 1, 2, 3, 4]);
        assert!(waiting.is_empty());
    }

    #[test]
    fn probes_are_fresh_messages_but_for_every_fourth() {
        let mut waiting = waiting(&[false, false, true, true, true, true]);
        let order: Vec<_> = (0..7)
            .filter_map(|number| waiting.pop_probe(number, |_| true))
            .map(|entry| entry.waiter)
            .collect();
        assert_eq!(order, [2, 3, 4, 0, 5, 1]);
    }
}
