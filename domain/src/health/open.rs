//! An endpoint that is down: who may try it, and when.

use std::time::Duration;

use super::window::Trouble;
use crate::settlement::Reason;

/// The most probes of a turn.
const MOST_PROBES: u32 = 16;

/// Why nobody is called but probes. They are made in turns, after growing waits: one call, then two
/// different messages, and so on, so that a row of faulty messages does not hide the good one
/// behind it for long.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) reason: Reason,
    pub(super) trouble: Trouble,
    /// Turns in which nobody was answered.
    failed_turns: u32,
    next_turn: Duration,
    /// Probes that may still begin in this turn, and those under way.
    left: u32,
    under_way: u32,
    /// Probes begun in all.
    probes: u32,
}

impl Open {
    pub(super) fn new(reason: Reason, trouble: Trouble, next_turn: Duration) -> Self {
        Self {
            reason,
            trouble,
            failed_turns: 0,
            next_turn,
            left: 1,
            under_way: 0,
            probes: 0,
        }
    }

    /// Turns in which nobody was answered.
    pub(super) fn failed_turns(&self) -> u32 {
        self.failed_turns
    }

    /// When a probe may begin, if none of this turn has to end before.
    pub(super) fn next_probe(&self) -> Option<Duration> {
        (self.left > 0).then_some(self.next_turn)
    }

    /// Fresh messages that the turn can use, beside `waiting` ones.
    pub(super) fn wanted(&self, waiting: usize) -> usize {
        (self.left as usize).saturating_sub(waiting)
    }

    /// The number of the next probe.
    pub(super) fn number(&self) -> u32 {
        self.probes
    }

    pub(super) fn begin(&mut self) {
        self.left -= 1;
        self.under_way += 1;
        self.probes = self.probes.wrapping_add(1);
    }

    /// A probe was given up before it said anything.
    pub(super) fn give_up(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
        self.left += 1;
    }

    /// A probe was not answered. The turn ends with its last one, also where no more messages wait
    /// to be tried; the next one begins `wait` later, or more.
    pub(super) fn failed(&mut self, nobody_waits: bool, next: Duration) {
        self.under_way = self.under_way.saturating_sub(1);
        if self.under_way == 0 && (self.left == 0 || nobody_waits) {
            self.failed_turns = self.failed_turns.saturating_add(1);
            self.left = 1 << self.failed_turns.min(MOST_PROBES.ilog2());
            self.next_turn = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_double_up_to_sixteen_probes() {
        let mut open = Open::new(
            Reason::EndpointUnavailable,
            Trouble::Outage,
            Duration::from_secs(1),
        );
        let mut turns = Vec::new();
        for turn in 1..=6 {
            let probes = open.wanted(0);
            turns.push(probes);
            for _ in 0..probes {
                assert_eq!(open.next_probe(), Some(Duration::from_secs(turn)));
                open.begin();
            }
            assert_eq!(open.next_probe(), None);
            for _ in 0..probes {
                open.failed(false, Duration::from_secs(turn + 1));
            }
        }
        assert_eq!(turns, [1, 2, 4, 8, 16, 16]);
    }

    #[test]
    fn a_turn_ends_where_nobody_else_can_be_tried() {
        let mut open = Open::new(Reason::EndpointUnavailable, Trouble::Outage, Duration::ZERO);
        open.begin();
        open.failed(true, Duration::from_secs(1));
        open.begin();
        open.failed(true, Duration::from_secs(2));
        assert_eq!(open.failed_turns(), 2);
        assert_eq!(open.next_probe(), Some(Duration::from_secs(2)));
    }
}
