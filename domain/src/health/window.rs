//! How the latest calls ended, as far as that says something about the endpoint.

use std::collections::VecDeque;

/// The calls that are looked back at, and how many there must be for a ratio to say something.
const LENGTH: usize = 50;
const FEWEST: usize = 20;

/// Failed calls in a row that mean that the endpoint is down.
const ROW: u32 = 10;

/// Messages whose latest calls say whether the endpoint works for others.
const OTHERS: usize = 10;

/// The latest calls, without those that say something about their message alone.
#[derive(Debug)]
pub(super) struct Window {
    calls: VecDeque<Recorded>,
    /// Failed ones since anybody was answered.
    row: u32,
    /// Further failures since then, of messages that are held because it may not be them.
    held: u32,
    /// Messages that must have been called before the endpoint is taken to work for others.
    fewest_others: usize,
    /// The number of calls recorded so far, including those no longer in the window.
    recorded: u64,
}

#[derive(Clone, Copy, Debug)]
struct Recorded {
    number: u64,
    message: u64,
    failed: bool,
}

/// How the last call of each of the ten latest other messages ended.
#[derive(Clone, Copy, Debug, Default)]
struct Others {
    called: usize,
    failed: usize,
}

impl Others {
    /// The chance that the next one fails (Laplace's rule of succession).
    fn risk(self) -> f64 {
        (self.failed + 1) as f64 / (self.called + 2) as f64
    }
}

/// What many failures say about the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Nobody is answered.
    Outage,
    /// At least half of the calls fail, or messages that are held fail again and again.
    Brownout,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            calls: VecDeque::new(),
            row: 0,
            held: 0,
            fewest_others: 1,
            recorded: 0,
        }
    }
}

impl Window {
    /// The endpoint was found in trouble. After a brownout an answer or two do not mean that it works
    /// again, nor after a row of failures among others in the middle of one.
    pub(super) fn found(&mut self, trouble: Trouble) {
        let before = self.calls.len().saturating_sub(self.row as usize);
        let failed = self.calls.iter().take(before).filter(|call| call.failed);
        let mostly_failed = before > 0 && 2 * failed.count() >= before;
        let is_unproven = self.fewest_others > 1 && self.calls.len() < self.fewest_others;
        let is_brownout = trouble == Trouble::Brownout || mostly_failed || is_unproven;
        self.fewest_others = if is_brownout { OTHERS } else { 1 };
    }

    /// Clears the window, because the endpoint has recovered.
    pub(super) fn start_over(&mut self) {
        self.calls.clear();
        self.end_row();
    }

    /// The number of the next call to be recorded.
    pub(super) fn recorded(&self) -> u64 {
        self.recorded
    }

    pub(super) fn passed(&mut self, message: u64) {
        self.push(message, false);
    }

    /// Notes a failed call.
    pub(super) fn failed(&mut self, message: u64) {
        self.row = self.row.saturating_add(1);
        self.push(message, true);
    }

    /// Notes another failure of a message that may be faulty, and is held as long as others fare no
    /// better.
    pub(super) fn held(&mut self) {
        self.held = self.held.saturating_add(1);
    }

    /// The endpoint answered for itself.
    pub(super) fn end_row(&mut self) {
        self.row = 0;
        self.held = 0;
    }

    /// What the failures up to now say together.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        if self.row >= ROW {
            return Some(Trouble::Outage);
        }
        let failed = self.calls.iter().filter(|call| call.failed).count();
        let many = self.calls.len() >= FEWEST && 2 * failed >= self.calls.len();
        (many || self.held >= ROW).then_some(Trouble::Brownout)
    }

    /// Whether the endpoint works for messages other than `message`: most of the latest ten passed,
    /// and of those recorded since `since`, too.
    pub(super) fn works_for_others(&self, message: u64, since: u64) -> bool {
        let lately = self.others(message, 0);
        let bearable = lately.called.div_ceil(4).min(lately.called / 2);
        let since = self.others(message, since);
        lately.called >= self.fewest_others
            && lately.failed <= bearable
            && since.failed <= since.called / 4
    }

    /// The chance that a good message fails, by how others fared lately and since `since`, the
    /// greater of the two; 1 in 2 where there were none.
    pub(super) fn risk(&self, message: u64, since: u64) -> f64 {
        self.others(message, 0)
            .risk()
            .max(self.others(message, since).risk())
    }

    fn others(&self, message: u64, since: u64) -> Others {
        let mut seen = Vec::with_capacity(OTHERS);
        let mut others = Others::default();
        for call in self.calls.iter().rev() {
            if seen.len() == OTHERS || call.number < since {
                break;
            }
            if call.message != message && !seen.contains(&call.message) {
                seen.push(call.message);
                others.called += 1;
                others.failed += usize::from(call.failed);
            }
        }
        others
    }

    fn push(&mut self, message: u64, failed: bool) {
        if self.calls.len() == LENGTH {
            self.calls.pop_front();
        }
        self.calls.push_back(Recorded {
            number: self.recorded,
            message,
            failed,
        });
        self.recorded += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A window of calls of a message each, `true` for one that failed.
    fn window(calls: impl IntoIterator<Item = bool>) -> Window {
        let mut window = Window::default();
        for (message, failed) in (1..).zip(calls) {
            if failed {
                window.failed(message);
            } else {
                window.passed(message);
                window.end_row();
            }
        }
        window
    }

    #[test]
    fn ten_failures_in_a_row_are_an_outage_and_nine_are_not() {
        assert_eq!(window([true; 9]).trouble(), None);
        assert_eq!(window([true; 10]).trouble(), Some(Trouble::Outage));
        let interrupted = (0..19).map(|call| call != 9);
        assert_eq!(window(interrupted).trouble(), None);
    }

    #[test]
    fn half_of_at_least_twenty_calls_failing_is_a_brownout() {
        let every_other = |calls| window((0..calls).map(|call| call % 2 == 1));
        assert_eq!(every_other(19).trouble(), None);
        assert_eq!(every_other(20).trouble(), Some(Trouble::Brownout));
        let recovered = (0..70).map(|call| call < 20 && call % 2 == 1);
        assert_eq!(window(recovered).trouble(), None);
    }

    #[test]
    fn an_endpoint_works_for_others_when_most_of_the_latest_ten_passed() {
        let works = |calls: &[bool]| window(calls.iter().copied()).works_for_others(0, 1000);
        assert!(!works(&[]));
        assert!(works(&[false]));
        assert!(works(&[true, false]));
        assert!(!works(&[true, true, false]));
        assert!(works(&[[true; 3].as_slice(), &[false; 7]].concat()));
        assert!(!works(&[[true; 4].as_slice(), &[false; 6]].concat()));
        assert!(works(&[[true; 9].as_slice(), &[false; 10]].concat()));
    }

    #[test]
    fn a_message_is_compared_with_others_only_and_each_of_them_counts_once() {
        let mut window = Window::default();
        window.passed(1);
        for _ in 0..5 {
            window.failed(2);
        }
        window.passed(3);
        assert!(window.works_for_others(2, 0));
        assert!(window.works_for_others(4, 6));
        assert!(!window.works_for_others(4, 5));
    }

    #[test]
    fn the_risk_of_a_good_message_is_that_of_the_others() {
        let risk = |calls: &[bool], since| window(calls.iter().copied()).risk(0, since);
        assert!((risk(&[], 0) - 0.5).abs() < 1e-9);
        assert!((risk(&[true, false, false], 0) - 0.4).abs() < 1e-9);
        // Fewer passed lately than since.
        assert!((risk(&[true, false, false], 1) - 0.4).abs() < 1e-9);
        // Fewer passed since than lately.
        assert!((risk(&[false, false, false, true], 3) - 2.0 / 3.0).abs() < 1e-9);
    }

    fn window_after_an_outage() -> Window {
        let mut window = window([true; 10]);
        window.found(Trouble::Outage);
        window.start_over();
        window
    }

    #[test]
    fn after_a_brownout_ten_others_have_to_pass_first() {
        let mut window = window([true; 10]);
        window.found(Trouble::Brownout);
        window.start_over();
        for message in 1..=9 {
            window.passed(message);
        }
        assert!(!window.works_for_others(0, 0));
        window.passed(10);
        assert!(window.works_for_others(0, 0));
        let mut window = window_after_an_outage();
        window.passed(1);
        assert!(window.works_for_others(0, 0));
        window.found(Trouble::Brownout);
        window.start_over();
        window.passed(1);
        window.found(Trouble::Outage);
        window.start_over();
        window.passed(2);
        assert!(!window.works_for_others(0, 0));
    }
}
