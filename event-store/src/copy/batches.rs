//! A log from its beginning on, in batches of bounded size, with the records of its commands.

use std::sync::Arc;

use domain::{CommandId, Position};

use crate::audit::{Frontier, Hash, hole_before, leaf, tree};
use crate::import::{StoredBatch, StoredCommand};
use crate::port::{Appended, EventStore, ReadError};
use crate::stored::StoredEvent;

/// Events read at once: at first, and at most. In between as many as come to [`PAGE_BYTES`] if
/// they are like those before; a page of large events after small ones is larger, once.
const FIRST_PAGE: u64 = 16;
const LARGEST_PAGE: u64 = 512;
const PAGE_BYTES: u64 = 1024 * 1024;

/// A batch ends with so many events, or with so many bytes of payloads and metadata.
const MAX_EVENTS: usize = 4096;
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// Reads a log up to a position.
pub(super) struct Batches {
    log: Arc<dyn EventStore>,
    last: Position,
    until: Position,
    /// How many events to read at once.
    page: u64,
    /// The command whose events were read last, which may go on.
    command: Option<StoredCommand>,
}

impl Batches {
    pub(super) fn of(log: Arc<dyn EventStore>, until: Position) -> Self {
        Self {
            log,
            last: Position(0),
            until,
            page: FIRST_PAGE,
            command: None,
        }
    }

    /// The next batch; an empty one at the end.
    pub(super) async fn next(&mut self) -> Result<StoredBatch, ReadError> {
        let (mut batch, mut bytes) = (StoredBatch::default(), 0);
        while self.last < self.until && batch.events.len() < MAX_EVENTS && bytes < MAX_BYTES {
            bytes += self.read_page(self.until, &mut batch).await?;
        }
        Ok(batch)
    }

    /// What stands next up to `end`, however large it is.
    pub(super) async fn up_to(&mut self, end: Position) -> Result<StoredBatch, ReadError> {
        let (mut batch, end) = (StoredBatch::default(), end.min(self.until));
        while self.last < end {
            self.read_page(end, &mut batch).await?;
        }
        Ok(batch)
    }

    /// Reads a page, not past `end`, into `batch`; tells how many bytes it has.
    async fn read_page(
        &mut self,
        end: Position,
        batch: &mut StoredBatch,
    ) -> Result<u64, ReadError> {
        let limit = self.page.min(end.0 - self.last.0);
        let limit = usize::try_from(limit).expect("a page's size is small");
        let (page, due) = (
            self.log.read_stored(self.last, limit).await,
            self.last.0 + 1,
        );
        let page = page.map_err(|error| hole_before(Position(due), error))?;
        self.check_positions(&page)?;
        let commands = self.commands(&page).await?;
        let bytes: u64 = page.iter().map(size).sum();
        let fitting = PAGE_BYTES * page.len() as u64 / bytes.max(1);
        self.page = fitting.min(2 * self.page).clamp(1, LARGEST_PAGE);
        batch.events.extend(page);
        batch.commands.extend(commands);
        Ok(bytes)
    }

    /// Goes past `page`, which must continue the log without a hole.
    fn check_positions(&mut self, page: &[StoredEvent]) -> Result<(), ReadError> {
        let due = Position(self.last.0 + 1);
        if page.is_empty() {
            return Err(damaged(due, "there is no event"));
        }
        for event in page {
            let due = Position(self.last.0 + 1);
            if event.position != due {
                let problem = format!("the next event stands at {}", event.position);
                return Err(damaged(due, &problem));
            }
            self.last = due;
        }
        Ok(())
    }

    /// The records of the commands that begin in `page`. Every event must have that of its own.
    async fn commands(&mut self, page: &[StoredEvent]) -> Result<Vec<StoredCommand>, ReadError> {
        let mut ids: Vec<CommandId> = page.iter().map(|event| event.command).collect();
        ids.dedup();
        let answers = self.log.appended_each(&ids).await?;
        let mut records = ids.iter().zip(answers);
        let mut begun = Vec::new();
        let mut known = None;
        for event in page {
            if known != Some(event.command) {
                let found = records.next().and_then(|(id, answer)| record(*id, answer));
                let record = found
                    .ok_or_else(|| damaged(event.position, "there is no record of its command"))?;
                if event.position == record.appended.first {
                    begun.push(record);
                    self.command = Some(record);
                }
                known = Some(event.command);
            }
            let record = self.command.filter(|record| covers(record, event));
            record.ok_or_else(|| {
                damaged(
                    event.position,
                    "the record of its command is of other events",
                )
            })?;
        }
        Ok(begun)
    }
}

fn record(id: CommandId, answer: Option<(Appended, [u8; 32])>) -> Option<StoredCommand> {
    let (appended, fingerprint) = answer?;
    Some(StoredCommand {
        id,
        fingerprint,
        appended,
    })
}

/// Whether the record is of the command that appended `event`.
fn covers(record: &StoredCommand, event: &StoredEvent) -> bool {
    let Appended {
        first,
        last,
        revision,
    } = record.appended;
    record.id == event.command
        && (first..=last).contains(&event.position)
        && revision.0.checked_sub(event.revision.0) == Some(last.0 - event.position.0)
}

fn size(event: &StoredEvent) -> u64 {
    (event.payload.len() + event.metadata.len()) as u64
}

fn damaged(position: Position, problem: &str) -> ReadError {
    ReadError::Damaged {
        position,
        problem: problem.to_owned(),
    }
}

/// What tells two logs apart: the roots over their events and over their commands' records.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Digest {
    events: Frontier,
    commands: Frontier,
}

impl Digest {
    pub(super) fn take(&mut self, batch: &StoredBatch) {
        for event in &batch.events {
            self.events.push(leaf::hash(event));
        }
        for command in &batch.commands {
            self.commands.push(command_hash(command));
        }
    }

    /// The root over the events.
    pub(super) fn root(&self) -> Hash {
        self.events.root()
    }
}

fn command_hash(command: &StoredCommand) -> Hash {
    let appended = command.appended;
    let numbers = [appended.first.0, appended.last.0, appended.revision.0];
    let mut bytes = command.id.0.as_bytes().to_vec();
    bytes.extend_from_slice(&command.fingerprint);
    bytes.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
    tree::leaf_hash(&bytes)
}
