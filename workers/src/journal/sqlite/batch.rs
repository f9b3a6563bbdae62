//! One write transaction, and what can be done in it.

use std::collections::{BTreeMap, HashMap};

use domain::TopicId;
use domain::settlement::Decision;
use jiff::Timestamp;
use rusqlite::{Transaction, params};

use crate::journal::counts::Counts;
use crate::journal::decision::OutputEnd;
use crate::journal::life::Life;
use crate::journal::operation::{Answer, Operation, TakeOver};
use crate::journal::record::ListenerKey;

/// A write transaction under way.
pub(super) struct Batch<'t> {
    pub(super) tx: &'t Transaction<'t>,
    pub(super) now: Timestamp,
    pub(super) memory: &'t mut Memory,
    counters: BTreeMap<ListenerKey, Counts>,
    /// Runs that are published and still in the outbox.
    pub(super) published: Vec<i64>,
}

/// What the one writer of a journal knows of it without reading.
#[derive(Debug)]
pub(super) struct Memory {
    /// The number of the next run to be claimed.
    pub(super) next_run: i64,
    /// The lives of partitions that messages were taken from.
    pub(super) lives: HashMap<(ListenerKey, i32), Life>,
    /// The lists of topics that results were sent to.
    pub(super) destinations: HashMap<Vec<TopicId>, i64>,
    /// Runs up to this number may have been deleted, by retention or before the journal was opened.
    pub(super) perhaps_deleted: i64,
}

impl Memory {
    pub(super) fn new(next_run: i64) -> Self {
        Self {
            next_run,
            lives: HashMap::new(),
            destinations: HashMap::new(),
            perhaps_deleted: next_run - 1,
        }
    }
}

impl<'t> Batch<'t> {
    pub(super) fn new(tx: &'t Transaction<'t>, now: Timestamp, memory: &'t mut Memory) -> Self {
        // As it is stored, so that what is answered now is what will be read.
        let stored = Timestamp::from_microsecond(now.as_microsecond());
        Self {
            tx,
            now: stored.unwrap_or(now),
            memory,
            counters: BTreeMap::new(),
            published: Vec::new(),
        }
    }

    /// Does an operation; what it answers is true once the batch is committed. An error undoes the
    /// batch.
    pub(super) fn apply(&mut self, operation: &Operation) -> rusqlite::Result<Answer> {
        Ok(match operation {
            Operation::Listener(listener) => Answer::Listener(self.listener(listener)?),
            Operation::Claims(claims) => Answer::Claims(self.claims(claims)?),
            Operation::Attempt(attempt) => Answer::Attempt(self.attempt(attempt)?),
            Operation::Refund(refund) => Answer::Refund(self.refund(refund)?),
            Operation::NoteFailedCall(call) => Answer::NoteFailedCall(self.note_failed_call(call)?),
            Operation::Decide(decide) => Answer::Decide(self.decide(decide)?),
            Operation::Published(published) => {
                self.published(published);
                Answer::Published(())
            }
            Operation::EndOutput(end) => Answer::EndOutput(self.end_output(end)?),
            Operation::Hold(hold) => Answer::Hold(self.hold(hold)?),
            Operation::TakeUnpublished(take) => {
                Answer::TakeUnpublished(self.take_unpublished(take)?)
            }
            Operation::TakeOver(take) => Answer::TakeOver(self.take_over(take)?),
            Operation::Recover(_) => Answer::Recover(self.recover()?),
            // Nobody else has a part of it.
            Operation::CleanUp(_) => Answer::CleanUp(None),
            Operation::Load(load) => Answer::Load(self.load(load)?),
            Operation::Begin(begin) => Answer::Begin(self.begin(begin)?),
            Operation::Advance(advance) => Answer::Advance(self.advance(advance)?),
            Operation::Keep(keep) => Answer::Keep(self.keep(keep)?),
            Operation::Observe(observe) => Answer::Observe(self.observe(observe)?),
            Operation::Confirm(confirm) => Answer::Confirm(self.confirm(confirm)?),
            Operation::Require(require) => Answer::Require(self.require(require)?),
            Operation::Record(record) => Answer::Record(self.record(record)?),
            Operation::Prune(prune) => {
                self.forget()?;
                self.forget_samples()?;
                self.forget_workers()?;
                self.forget_points()?;
                Answer::Prune(self.prune(prune)?)
            }
        })
    }

    /// The file belongs to one worker, whoever that is.
    fn take_over(&self, take: &TakeOver) -> rusqlite::Result<bool> {
        let updated = self
            .tx
            .prepare_cached("UPDATE journal SET epoch = ?1 WHERE epoch < ?1")?
            .execute([super::stored(take.epoch)])?;
        Ok(updated > 0)
    }

    pub(super) fn count_received(&mut self, listener: ListenerKey) {
        self.counts(listener).received += 1;
    }

    pub(super) fn count_decided(&mut self, listener: ListenerKey, decision: Decision) {
        self.counts(listener).decided(decision);
    }

    pub(super) fn count_output(&mut self, listener: ListenerKey, end: OutputEnd) {
        self.counts(listener).output(end);
    }

    /// Messages that were deleted before they were read.
    pub(super) fn count_missed(&mut self, listener: ListenerKey, messages: i64) {
        if messages > 0 {
            self.counts(listener).missed += messages;
        }
    }

    pub(super) fn count_pruned(&mut self, listener: ListenerKey, runs: i64) {
        self.counts(listener).pruned += runs;
    }

    fn counts(&mut self, listener: ListenerKey) -> &mut Counts {
        self.counters.entry(listener).or_default()
    }

    /// Empties the outbox of what was published, writes the counters, and ends.
    pub(super) fn finish(mut self) -> rusqlite::Result<()> {
        self.empty_outbox()?;
        let mut update = self.tx.prepare_cached(
            "UPDATE listeners SET received = received + ?2, succeeded = succeeded + ?3,
                dead_lettered = dead_lettered + ?4, filtered = filtered + ?5,
                dropped = dropped + ?6, withdrawn = withdrawn + ?7, too_large = too_large + ?8,
                pruned = pruned + ?9, missed = missed + ?10
             WHERE listener = ?1",
        )?;
        for (listener, counts) in self.counters {
            update.execute(params![
                listener.0,
                counts.received,
                counts.succeeded,
                counts.dead_lettered,
                counts.filtered,
                counts.dropped,
                counts.withdrawn,
                counts.too_large,
                counts.pruned,
                counts.missed
            ])?;
        }
        Ok(())
    }
}
