//! How many bytes of messages a process holds, over all its sources.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use crate::port::Message;

/// What a message takes beside its bytes, roughly.
const OVERHEAD: usize = 512;

/// A budget of bytes. Clones share it.
#[derive(Clone, Debug)]
pub struct Memory(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    budget: usize,
    used: AtomicUsize,
    most: AtomicUsize,
    freed: Notify,
}

/// Bytes that are counted until this is dropped.
#[derive(Debug)]
pub struct Room {
    memory: Memory,
    bytes: usize,
}

impl Default for Memory {
    /// One that is never full.
    fn default() -> Self {
        Self::of(usize::MAX)
    }
}

impl Memory {
    /// A budget of so many bytes.
    #[must_use]
    pub fn of(budget: usize) -> Self {
        Self(Arc::new(Shared {
            budget,
            used: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            freed: Notify::new(),
        }))
    }

    /// Counts bytes that are there, whether or not the budget has room for them.
    #[must_use]
    pub fn take(&self, bytes: usize) -> Room {
        let used = self.0.used.fetch_add(bytes, Ordering::SeqCst) + bytes;
        self.0.most.fetch_max(used, Ordering::Relaxed);
        Room {
            memory: self.clone(),
            bytes,
        }
    }

    /// Whether nothing more is to be taken.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.used() >= self.0.budget
    }

    /// The bytes that are counted.
    #[must_use]
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::SeqCst)
    }

    /// The most bytes that were counted at once so far.
    #[must_use]
    pub fn most(&self) -> usize {
        self.0.most.load(Ordering::Relaxed)
    }

    /// Tells whenever bytes are given back.
    #[must_use]
    pub fn freed(&self) -> &Notify {
        &self.0.freed
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let shared = &self.memory.0;
        shared.used.fetch_sub(self.bytes, Ordering::SeqCst);
        shared.freed.notify_waiters();
    }
}

impl Message {
    /// The bytes that it takes in memory, roughly: its key, headers and body, and what holds them.
    #[must_use]
    pub fn size(&self) -> usize {
        let length = |bytes: &Option<bytes::Bytes>| bytes.as_ref().map_or(0, bytes::Bytes::len);
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| name.len() + length(value) + OVERHEAD / 8);
        OVERHEAD + length(&self.key) + headers.sum::<usize>() + self.body_len()
    }
}
