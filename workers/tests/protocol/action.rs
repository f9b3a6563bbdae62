//! What can happen next.

use std::fmt;

/// A worker's hold on a message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) worker: usize,
    pub(crate) message: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Receive(At),
    Claim(At),
    /// The endpoint is called and answers.
    Invoke(At, Answer),
    Decide(At),
    /// Writes the decision to one of its outputs.
    Publish(At, usize),
    Settle(At),
    /// Retention deletes the run of a message.
    Forget(usize),
    /// A worker loses what it remembers, and goes on from the journal.
    Crash(usize),
    /// The other worker gets the partition; this one does not hear of it.
    Rebalance,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Good,
    Bad,
}

impl fmt::Debug for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "worker {}, message {}", self.worker, self.message)
    }
}
