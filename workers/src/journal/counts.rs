//! What a batch adds to a listener's counters.

use domain::settlement::Decision;

use super::decision::OutputEnd;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) received: i64,
    pub(super) succeeded: i64,
    pub(super) dead_lettered: i64,
    pub(super) filtered: i64,
    pub(super) dropped: i64,
    pub(super) withdrawn: i64,
    pub(super) too_large: i64,
    pub(super) missed: i64,
    pub(super) pruned: i64,
}

impl Counts {
    pub(super) fn decided(&mut self, decision: Decision) {
        let counter = match decision {
            Decision::Succeeded => &mut self.succeeded,
            Decision::DeadLettered => &mut self.dead_lettered,
            Decision::Filtered => &mut self.filtered,
            Decision::Dropped => &mut self.dropped,
        };
        *counter += 1;
    }

    pub(super) fn output(&mut self, end: OutputEnd) {
        match end {
            OutputEnd::Published | OutputEnd::DeadLettered => {}
            OutputEnd::Withdrawn => self.withdrawn += 1,
            OutputEnd::TooLarge => self.too_large += 1,
        }
    }
}
