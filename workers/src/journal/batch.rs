//! One write transaction, and what can be done in it.

use std::collections::{BTreeMap, HashMap};

use domain::settlement::Decision;
use jiff::Timestamp;
use rusqlite::{Transaction, params};

use super::record::ListenerKey;

/// Something to be done to the journal.
pub(super) trait Operation: Send + 'static {
    type Answer: Send;

    /// Does it; what it answers is true once the batch is committed. An error undoes the batch.
    fn apply(&self, batch: &mut Batch<'_>) -> rusqlite::Result<Self::Answer>;
}

/// A write transaction under way.
pub(super) struct Batch<'t> {
    pub(super) tx: &'t Transaction<'t>,
    pub(super) now: Timestamp,
    pub(super) memory: &'t mut Memory,
    counters: BTreeMap<ListenerKey, Counts>,
}

/// What the one writer of a journal knows of it without reading.
#[derive(Debug)]
pub(super) struct Memory {
    /// The number of the next run to be claimed.
    pub(super) next_run: i64,
    /// The lives of partitions that messages were taken from.
    pub(super) lives: HashMap<(ListenerKey, i32), Life>,
}

/// One life of a partition's log: from `since` on; what is before is of the life before.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Life {
    pub(super) incarnation: u32,
    pub(super) since: i64,
}

/// What a batch adds to a listener's counters.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    received: i64,
    succeeded: i64,
    dead_lettered: i64,
    filtered: i64,
    dropped: i64,
}

impl Memory {
    pub(super) fn new(next_run: i64) -> Self {
        Self {
            next_run,
            lives: HashMap::new(),
        }
    }
}

impl<'t> Batch<'t> {
    pub(super) fn new(tx: &'t Transaction<'t>, now: Timestamp, memory: &'t mut Memory) -> Self {
        Self {
            tx,
            now,
            memory,
            counters: BTreeMap::new(),
        }
    }

    pub(super) fn count_received(&mut self, listener: ListenerKey) {
        self.counters.entry(listener).or_default().received += 1;
    }

    pub(super) fn count_decided(&mut self, listener: ListenerKey, decision: Decision) {
        let counts = self.counters.entry(listener).or_default();
        let counter = match decision {
            Decision::Succeeded => &mut counts.succeeded,
            Decision::DeadLettered => &mut counts.dead_lettered,
            Decision::Filtered => &mut counts.filtered,
            Decision::Dropped => &mut counts.dropped,
        };
        *counter += 1;
    }

    /// Writes the counters, and ends.
    pub(super) fn finish(self) -> rusqlite::Result<()> {
        let mut update = self.tx.prepare_cached(
            "UPDATE listeners SET received = received + ?2, succeeded = succeeded + ?3,
                dead_lettered = dead_lettered + ?4, filtered = filtered + ?5, dropped = dropped + ?6
             WHERE listener = ?1",
        )?;
        for (listener, counts) in self.counters {
            update.execute(params![
                listener.0,
                counts.received,
                counts.succeeded,
                counts.dead_lettered,
                counts.filtered,
                counts.dropped
            ])?;
        }
        Ok(())
    }
}
