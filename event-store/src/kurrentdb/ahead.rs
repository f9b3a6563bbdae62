//! What a follower has read beyond the page it was asked for.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use domain::Position;

use super::record::Record;

/// Consecutive events, one page of the database at most.
#[derive(Default)]
pub(super) struct Ahead(Mutex<VecDeque<Record>>);

impl Ahead {
    /// Up to `limit` events after `after`, where it has the first of them. What comes before them
    /// is dropped, and they are.
    pub(super) fn after(&self, after: Position, limit: usize) -> Option<Vec<Record>> {
        let mut records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while records.front()?.stored.position <= after {
            records.pop_front();
        }
        if records.front()?.stored.position.0 > after.0 + 1 {
            return None;
        }
        let taken = limit.min(records.len());
        Some(records.drain(..taken).collect())
    }

    /// Keeps `records` in the place of what it had.
    pub(super) fn keep(&self, records: Vec<Record>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = records.into();
    }
}
