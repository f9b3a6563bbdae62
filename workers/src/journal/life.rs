//! Lives of a partition's log, as one listener reads it.

use brokers::{Beginning, Cause};

/// One life of a partition's log: from `since` on; what is before is of the life before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Life {
    pub(super) incarnation: u32,
    pub(super) since: i64,
    /// The listener's position: everything before it has ended.
    pub(super) next: i64,
    /// The reset of the listener's position that it was begun under; 0 before the first.
    pub(super) reset: i64,
}

impl Default for Life {
    /// That of a partition of which nothing is written down.
    fn default() -> Self {
        Self {
            incarnation: 0,
            since: 0,
            next: i64::MIN,
            reset: 0,
        }
    }
}

impl Life {
    /// Which life a message at that offset is of.
    pub(super) fn of(self, offset: i64) -> u32 {
        let before = u32::from(offset < self.since);
        self.incarnation.saturating_sub(before)
    }

    /// Whether a message at that offset has ended.
    pub(super) fn is_past(self, offset: i64) -> bool {
        offset < self.next
    }

    /// Once the listener begins there, as a reader that knows of `reset`. Several readers may find the
    /// beginning after a reset: the first one's is the new life.
    pub(super) fn begun(self, beginning: &Beginning, reset: i64) -> Self {
        let is_new = match beginning.cause {
            Cause::Recreated => true,
            Cause::Reset => self.reset < reset,
            Cause::First | Cause::GoesOn | Cause::Gap { .. } | Cause::Truncated { .. } => false,
        };
        Self {
            incarnation: self.incarnation + u32::from(is_new),
            since: if is_new { beginning.offset } else { self.since },
            next: beginning.offset,
            reset,
        }
    }

    /// How many messages the broker has deleted before they were read, once the listener begins there.
    pub(super) fn missed(self, beginning: &Beginning) -> i64 {
        let Cause::Gap { lost } = beginning.cause else {
            return 0;
        };
        // Less where another reader has found the same gap.
        let ahead = beginning.offset.saturating_sub(self.next).max(0);
        ahead.min(i64::try_from(lost).unwrap_or(i64::MAX))
    }

    /// Once another message is found in the place of one that was read.
    pub(super) fn begun_again(self, offset: i64) -> Self {
        Self {
            incarnation: self.incarnation + 1,
            since: offset,
            next: self.next.min(offset),
            reset: self.reset,
        }
    }
}
