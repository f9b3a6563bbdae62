//! Which position a group may commit while messages are settled in any order.

use std::collections::VecDeque;
use std::time::SystemTime;

/// Follows one assigned partition: what was handed out, in delivery order, and what of it is done.
///
/// The position moves over a message only when that message and all handed out before it are done.
/// Only the order of delivery counts, so gaps in the offsets (compaction, transaction markers) and
/// offsets that start again (a recreated topic) do not matter.
#[derive(Debug, Default)]
pub struct OffsetTracker {
    entries: VecDeque<Entry>,
    /// How many entries left the front so far; the ticket of `entries[0]`.
    first: u64,
    unsettled: usize,
}

/// Names one handed-out message of one tracker. It outlives the entry: a ticket of a cleared
/// tracker completes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(u64);

#[derive(Debug)]
struct Entry {
    offset: i64,
    sent: Option<SystemTime>,
    done: bool,
}

impl OffsetTracker {
    /// Notes that the message at `offset`, which was sent then, is handed out.
    pub fn hand_out(&mut self, offset: i64, sent: Option<SystemTime>) -> Ticket {
        let ticket = Ticket(self.first + self.entries.len() as u64);
        self.entries.push_back(Entry {
            offset,
            sent,
            done: false,
        });
        self.unsettled += 1;
        ticket
    }

    /// Notes that a message is done. Answers the position to commit, the offset of the next message
    /// to read, when it moved. A second completion, or one from before [`Self::clear`], is ignored.
    pub fn complete(&mut self, ticket: Ticket) -> Option<i64> {
        let index = usize::try_from(ticket.0.checked_sub(self.first)?).ok()?;
        let entry = self.entries.get_mut(index)?;
        if entry.done {
            return None;
        }
        entry.done = true;
        self.unsettled -= 1;
        let mut position = None;
        while let Some(entry) = self.entries.pop_front_if(|entry| entry.done) {
            self.first += 1;
            position = Some(entry.offset + 1);
        }
        position
    }

    /// Forgets everything: the assignment has ended, and late completions must not move the position.
    pub fn clear(&mut self) {
        self.first += self.entries.len() as u64;
        self.entries.clear();
        self.unsettled = 0;
    }

    /// When the first message was sent that is handed out and not done.
    pub fn oldest(&self) -> Option<SystemTime> {
        self.entries.front()?.sent
    }

    /// How many messages are handed out and not done.
    pub fn unsettled(&self) -> usize {
        self.unsettled
    }

    /// How many messages are remembered: the unsettled ones and the done ones behind the first of
    /// them.
    pub fn backlog(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Rising offsets with gaps, and the order in which they are completed.
    fn offsets_and_completions() -> impl Strategy<Value = (Vec<i64>, Vec<usize>)> {
        vec(1..5_i64, 1..60).prop_flat_map(|gaps| {
            let offsets: Vec<i64> = gaps
                .iter()
                .scan(0, |at, gap| {
                    *at += gap;
                    Some(*at)
                })
                .collect();
            let order = Just((0..offsets.len()).collect::<Vec<_>>()).prop_shuffle();
            (Just(offsets), order)
        })
    }

    proptest! {
        #[test]
        fn the_position_never_passes_an_unfinished_message(
            (offsets, order) in offsets_and_completions(),
        ) {
            let mut tracker = OffsetTracker::default();
            let tickets: Vec<_> = offsets.iter().map(|at| tracker.hand_out(*at, None)).collect();
            let mut done = vec![false; offsets.len()];
            let mut position = None;
            for index in order {
                done[index] = true;
                position = tracker.complete(tickets[index]).or(position);
                let finished = done.iter().take_while(|done| **done).count();
                let expected = finished.checked_sub(1).map(|last| offsets[last] + 1);
                prop_assert_eq!(position, expected);
                prop_assert_eq!(tracker.backlog(), offsets.len() - finished);
                prop_assert_eq!(tracker.unsettled(), done.iter().filter(|done| !**done).count());
            }
            prop_assert_eq!(position, offsets.last().map(|last| last + 1));
        }

        #[test]
        fn handing_out_between_completions_changes_nothing(
            (offsets, order) in offsets_and_completions(),
            lag in 0..8_usize,
        ) {
            // Completes each message only once it and `lag` later ones are handed out.
            let mut tracker = OffsetTracker::default();
            let mut tickets = Vec::new();
            let mut done = vec![false; offsets.len()];
            let mut position = 0;
            for index in order {
                let until = (index + 1 + lag).min(offsets.len());
                while tickets.len() < until {
                    tickets.push(tracker.hand_out(offsets[tickets.len()], None));
                }
                done[index] = true;
                position = tracker.complete(tickets[index]).unwrap_or(position);
                let unfinished = done.iter().position(|done| !done);
                if let Some(first) = unfinished {
                    prop_assert!(position <= offsets[first]);
                }
            }
            prop_assert_eq!(tracker.backlog(), 0);
        }

        #[test]
        fn completions_from_before_a_clear_are_dropped(
            (offsets, order) in offsets_and_completions(),
        ) {
            let mut tracker = OffsetTracker::default();
            let old: Vec<_> = offsets.iter().map(|at| tracker.hand_out(*at, None)).collect();
            tracker.clear();
            let new: Vec<_> = offsets.iter().map(|at| tracker.hand_out(*at, None)).collect();
            for index in &order {
                prop_assert_eq!(tracker.complete(old[*index]), None);
            }
            prop_assert_eq!(tracker.unsettled(), offsets.len());
            prop_assert_eq!(tracker.complete(new[0]), Some(offsets[0] + 1));
        }
    }

    #[test]
    fn a_second_completion_is_ignored() {
        let mut tracker = OffsetTracker::default();
        let first = tracker.hand_out(10, None);
        let second = tracker.hand_out(11, None);
        assert_eq!(tracker.complete(second), None);
        assert_eq!(tracker.complete(second), None);
        assert_eq!(tracker.unsettled(), 1);
        assert_eq!(tracker.complete(first), Some(12));
    }

    #[test]
    fn the_oldest_message_is_the_first_that_is_not_done() {
        let sent = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        let mut tracker = OffsetTracker::default();
        assert_eq!(tracker.oldest(), None);
        let first = tracker.hand_out(10, sent(1));
        let second = tracker.hand_out(11, sent(2));
        tracker.hand_out(12, sent(3));
        tracker.complete(second);
        assert_eq!(tracker.oldest(), sent(1));
        tracker.complete(first);
        assert_eq!(tracker.oldest(), sent(3));
    }

    #[test]
    fn offsets_may_start_again() {
        let mut tracker = OffsetTracker::default();
        let old = tracker.hand_out(500, None);
        let new = tracker.hand_out(0, None);
        assert_eq!(tracker.complete(new), None);
        assert_eq!(tracker.complete(old), Some(1));
    }
}
