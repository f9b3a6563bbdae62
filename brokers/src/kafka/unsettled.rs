//! How many messages a source may have out, and the wake-up of its thread when some are settled.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::Thread;
use std::time::Duration;

/// The count, shared by a source, its thread and its deliveries.
#[derive(Debug)]
pub(super) struct Unsettled {
    max_unsettled: usize,
    count: AtomicUsize,
    /// The waiting thread wants to be woken once fewer than this are unsettled; 0: nobody waits.
    wake_below: AtomicUsize,
    stopping: AtomicBool,
    /// Nothing is to be fetched.
    held: AtomicBool,
    thread: OnceLock<Thread>,
}

impl Unsettled {
    pub(super) fn new(max_unsettled: usize) -> Self {
        Self {
            max_unsettled,
            count: AtomicUsize::new(0),
            wake_below: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
            held: AtomicBool::new(false),
            thread: OnceLock::new(),
        }
    }

    /// Makes the calling thread the one that is woken.
    pub(super) fn register(&self) {
        let _ = self.thread.set(std::thread::current());
    }

    /// How many may be unsettled for one more to be handed out. A paused source waits until half
    /// is free, since to pause it threw its prefetch away.
    fn limit(&self, paused: bool) -> usize {
        match paused {
            false => self.max_unsettled,
            true => self.max_unsettled / 2 + 1,
        }
    }

    /// How many may be unsettled.
    pub(super) fn max(&self) -> usize {
        self.max_unsettled
    }

    pub(super) fn is_open(&self, paused: bool) -> bool {
        self.count.load(Ordering::SeqCst) < self.limit(paused)
    }

    /// Whether none is out.
    pub(super) fn is_empty(&self) -> bool {
        self.count.load(Ordering::SeqCst) == 0
    }

    pub(super) fn add(&self, count: usize) {
        self.count.fetch_add(count, Ordering::SeqCst);
    }

    pub(super) fn remove(&self, count: usize) {
        let before = self.count.fetch_sub(count, Ordering::SeqCst);
        if before - count < self.wake_below.load(Ordering::SeqCst) {
            self.wake();
        }
    }

    /// Waits until there is room (and longer, if it `must_wait` for something else), someone calls [`Self::wake`], or `timeout`. An eighth has to be
    /// free: a thread that is woken for each settled message does little else.
    pub(super) fn wait_for_room(&self, paused: bool, must_wait: bool, timeout: Duration) {
        let limit = match paused {
            false => self.max_unsettled - self.max_unsettled / 8,
            true => self.limit(paused),
        };
        self.wake_below.store(limit, Ordering::SeqCst);
        // Looked at again after the store: a settlement in between has not seen it and wakes nobody.
        let is_full = self.count.load(Ordering::SeqCst) >= limit;
        if (is_full || must_wait) && !self.is_stopping() {
            std::thread::park_timeout(timeout);
        }
        self.wake_below.store(0, Ordering::SeqCst);
    }

    pub(super) fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// Has the thread fetch nothing, or go on.
    pub(super) fn hold(&self, hold: bool) {
        self.held.store(hold, Ordering::SeqCst);
        self.wake();
    }

    pub(super) fn is_held(&self) -> bool {
        self.held.load(Ordering::SeqCst)
    }

    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.wake();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }
}
