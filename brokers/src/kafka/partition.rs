//! One partition that a source holds: what was handed out of it, what is settled, what is under way.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Instant, SystemTime};

use super::unsettled::Unsettled;
use crate::offsets::{OffsetTracker, Ticket};
use crate::port::Message;
use crate::positions::Fingerprint;

/// [`Partition::position`] while nothing is settled.
pub(super) const NOWHERE: i64 = -1;

/// One partition in one assignment. Another assignment of the same partition is another value, so
/// what is settled late reaches the old one and moves nothing.
#[derive(Debug)]
pub(super) struct Partition {
    unsettled: Arc<Unsettled>,
    out: Mutex<Out>,
    /// The offset to commit.
    pub(super) position: AtomicI64,
    /// The group is about to give it to someone else: nothing more is begun.
    leaving: AtomicBool,
    revoked: AtomicBool,
    /// How many messages something was begun with.
    busy: Mutex<usize>,
    idle: Condvar,
    /// Everything that can be read was handed out. What is behind the last message may be the end of
    /// a transaction, which has an offset, too.
    pub(super) at_end: AtomicBool,
    /// The first message that was handed out: the log is another one where that is not there.
    pub(super) witness: OnceLock<(i64, Fingerprint)>,
}

/// What is handed out.
#[derive(Debug, Default)]
struct Out {
    tracker: OffsetTracker,
    /// Whether its unsettled messages do not count among the source's, so that others are read.
    is_aside: bool,
}

impl Partition {
    /// One that was just assigned.
    pub(super) fn new(unsettled: Arc<Unsettled>) -> Self {
        Self {
            unsettled,
            out: Mutex::default(),
            position: AtomicI64::new(NOWHERE),
            leaving: AtomicBool::new(false),
            revoked: AtomicBool::new(false),
            busy: Mutex::default(),
            idle: Condvar::new(),
            at_end: AtomicBool::new(false),
            witness: OnceLock::new(),
        }
    }

    pub(super) fn hand_out(&self, offset: i64, message: &Message) -> Ticket {
        self.witness
            .get_or_init(|| (offset, Fingerprint::of(message)));
        self.at_end.store(false, Ordering::Release);
        let mut out = self.out();
        if !out.is_aside {
            self.unsettled.add(1);
        }
        out.tracker.hand_out(offset, message.timestamp)
    }

    pub(super) fn settle(&self, ticket: Ticket) {
        let freed = {
            let mut out = self.out();
            let before = out.counted();
            if let Some(position) = out.tracker.complete(ticket) {
                self.position.store(position, Ordering::Release);
            }
            before - out.counted()
        };
        self.unsettled.remove(freed);
    }

    /// Has its unsettled messages count among the source's, or not.
    pub(super) fn set_aside(&self, is_aside: bool) {
        let mut out = self.out();
        let before = out.counted();
        out.is_aside = is_aside;
        let after = out.counted();
        drop(out);
        if after > before {
            self.unsettled.add(after - before);
        } else {
            self.unsettled.remove(before - after);
        }
    }

    /// How many messages are unsettled.
    pub(super) fn unsettled(&self) -> usize {
        self.out().tracker.unsettled()
    }

    /// When the first message was sent that is not done.
    pub(super) fn oldest(&self) -> Option<SystemTime> {
        self.out().tracker.oldest()
    }

    /// Whether the group has given the partition to someone else, or again.
    pub(super) fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::Acquire)
    }

    /// Whether the group gives the partition to someone else, or has done so.
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Acquire)
    }

    /// Begins something with a message; false where it is too late for that.
    pub(super) fn begin(&self) -> bool {
        let mut busy = self.busy();
        let begins = !self.is_leaving();
        *busy += usize::from(begins);
        begins
    }

    /// Ends what was begun with a message.
    pub(super) fn rest(&self) {
        *self.busy() -= 1;
        self.idle.notify_all();
    }

    /// From now on nothing is begun.
    pub(super) fn leave(&self) {
        let _busy = self.busy();
        self.leaving.store(true, Ordering::Release);
    }

    /// Waits until what was begun has ended, but not beyond `deadline`.
    pub(super) fn until_idle(&self, deadline: Instant) {
        let left = deadline.saturating_duration_since(Instant::now());
        let waited = self
            .idle
            .wait_timeout_while(self.busy(), left, |busy| *busy > 0);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn busy(&self) -> MutexGuard<'_, usize> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn backlog(&self) -> usize {
        self.out().tracker.backlog()
    }

    pub(super) fn revoke(&self) {
        self.leave();
        self.revoked.store(true, Ordering::Release);
        let freed = {
            let mut out = self.out();
            let counted = out.counted();
            out.tracker.clear();
            counted
        };
        self.unsettled.remove(freed);
    }

    fn out(&self) -> MutexGuard<'_, Out> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Out {
    /// How many of the source's unsettled messages are its own.
    fn counted(&self) -> usize {
        match self.is_aside {
            true => 0,
            false => self.tracker.unsettled(),
        }
    }
}
