//! What a process knows of the log without asking: where the events of each stream stand, where
//! each command begins, and the last events themselves.

use std::collections::{HashMap, VecDeque};

use domain::{CommandId, Position, Revision, StreamName};

use super::failure::Failure;
use super::record::Record;

/// Memory for the last events, about. Most reads are of these; those of tests mostly are not.
const TAIL_BYTES: usize = if cfg!(test) { 1 << 16 } else { 1 << 25 };

/// The index of the log up to a position. It takes some 50 bytes for each event.
///
/// Events come one by one, and are shown by commands: a stream never seems to end in the middle
/// of what was appended at once.
#[derive(Default)]
pub(super) struct Index {
    /// The last position that is shown.
    head: Position,
    /// The positions of each stream's events; the place in the list is the revision.
    streams: HashMap<StreamName, Vec<Position>>,
    /// The positions after the head, of a command of which events are still to come.
    begun: Vec<Position>,
    /// The position of each command's first event.
    commands: HashMap<CommandId, Position>,
    /// The last events, also those of a command that has only begun.
    tail: VecDeque<Record>,
    tail_bytes: usize,
}

impl Index {
    /// The last position that it shows.
    pub(super) fn head(&self) -> Position {
        self.head
    }

    /// The last position that it has taken.
    pub(super) fn last(&self) -> Position {
        Position(self.head.0 + self.begun.len() as u64)
    }

    /// Takes the next event; one that it knows is passed over. Tells whether it was new.
    pub(super) fn take(&mut self, record: Record) -> Result<bool, Failure> {
        let stored = &record.stored;
        let due = Position(self.last().0 + 1);
        if stored.position < due {
            return Ok(false);
        }
        let damaged = |problem| Failure::Damaged {
            position: due,
            problem,
        };
        if stored.position > due {
            let problem = format!("the next event stands at {}", stored.position);
            return Err(damaged(problem));
        }
        let shown = self.streams.get(&stored.stream).map_or(0, Vec::len);
        let revision = (shown + self.begun.len()) as u64;
        if stored.revision.0 != revision {
            let problem = format!(
                "{} goes on with revision {}, and {revision} was due",
                stored.stream, stored.revision
            );
            return Err(damaged(problem));
        }
        if record.begins_command() {
            self.commands.entry(stored.command).or_insert(due);
        }
        self.begun.push(due);
        if record.ends_command() {
            let positions = self.streams.entry(stored.stream.clone()).or_default();
            positions.append(&mut self.begun);
            self.head = due;
        }
        self.keep(record);
        Ok(true)
    }

    fn keep(&mut self, record: Record) {
        self.tail_bytes += record.bytes();
        self.tail.push_back(record);
        while self.tail_bytes > TAIL_BYTES {
            let Some(oldest) = self.tail.pop_front() else {
                break;
            };
            self.tail_bytes -= oldest.bytes();
        }
    }

    /// The last revision of `stream`; `None` where it has no events.
    pub(super) fn last_revision(&self, stream: &StreamName) -> Option<Revision> {
        let events = self.streams.get(stream)?.len() as u64;
        events.checked_sub(1).map(Revision)
    }

    /// Where up to `limit` events of `stream` stand, from revision `from` on.
    pub(super) fn positions(
        &self,
        stream: &StreamName,
        from: Revision,
        limit: usize,
    ) -> Vec<Position> {
        let positions = self.streams.get(stream).map_or(&[][..], Vec::as_slice);
        let from = usize::try_from(from.0).unwrap_or(usize::MAX);
        positions.iter().skip(from).take(limit).copied().collect()
    }

    /// Where the events of `command` begin.
    pub(super) fn command(&self, command: CommandId) -> Option<Position> {
        self.commands.get(&command).copied()
    }

    /// The event at `position`, where it is one of the last.
    pub(super) fn recent(&self, position: Position) -> Option<&Record> {
        let first = self.tail.front()?.stored.position.0;
        let index = usize::try_from(position.0.checked_sub(first)?).ok()?;
        self.tail.get(index)
    }

    /// Up to `limit` events after `after` that are shown, where the first is one of the last.
    pub(super) fn recent_after(&self, after: Position, limit: usize) -> Option<Vec<Record>> {
        let first = self.tail.front()?.stored.position.0;
        let index = usize::try_from((after.0 + 1).checked_sub(first)?).ok()?;
        let shown = usize::try_from(self.head.0.checked_sub(after.0)?).ok()?;
        let page = self.tail.iter().skip(index).take(limit.min(shown));
        (shown > 0).then(|| page.cloned().collect())
    }
}

#[cfg(test)]
mod tests;
