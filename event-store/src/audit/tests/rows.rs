//! A log in memory, whose rows anyone can change.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use domain::{CommandId, Envelope, EventId, Position, Revision, StreamName};
use uuid::Uuid;

use crate::port::{Append, AppendError, Appended, EventStore, Follow, ReadError};
use crate::stored::StoredEvent;

#[derive(Clone, Debug, Default)]
pub(super) struct Rows(Arc<Mutex<Vec<StoredEvent>>>);

impl Rows {
    /// A log of so many events.
    pub(super) fn of(events: u64) -> Self {
        let rows = Self::default();
        rows.grow(events);
        rows
    }

    /// Appends until there are so many events.
    pub(super) fn grow(&self, events: u64) {
        self.change(|rows| {
            for position in rows.len() as u64 + 1..=events {
                rows.push(event(position));
            }
        });
    }

    /// The log with its rows changed; each then stands where its place says.
    pub(super) fn changed(&self, change: impl FnOnce(&mut Vec<StoredEvent>)) -> Arc<Self> {
        let copy = Self(Arc::new(Mutex::new(self.0.lock().unwrap().clone())));
        copy.change(change);
        copy.change(|rows| {
            for (position, row) in (1..).zip(rows) {
                row.position = Position(position);
            }
        });
        Arc::new(copy)
    }

    pub(super) fn all(&self) -> Vec<StoredEvent> {
        self.0.lock().unwrap().clone()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Vec<StoredEvent>)) {
        change(&mut self.0.lock().unwrap());
    }
}

fn event(position: u64) -> StoredEvent {
    StoredEvent {
        position: Position(position),
        id: EventId(Uuid::from_u64_pair(1, position)),
        stream: StreamName(format!("a-{}", position % 7)),
        revision: Revision(position / 7),
        type_name: "SampleTaken".to_owned(),
        schema_version: 1,
        recorded_at_us: 1_795_000_000_123_456,
        command: CommandId(Uuid::from_u64_pair(2, position)),
        metadata: format!(r#"{{"by":{position}}}"#),
        payload: format!(r#"{{"n":{position}}}"#).into_bytes(),
    }
}

#[async_trait]
impl EventStore for Rows {
    async fn append(&self, _: Append) -> Result<Appended, AppendError> {
        panic!("nothing is appended")
    }

    async fn appended(&self, _: CommandId) -> Result<Option<(Appended, [u8; 32])>, ReadError> {
        panic!("nobody asks for commands")
    }

    async fn read_stream(
        &self,
        _: &StreamName,
        _: Revision,
        _: usize,
    ) -> Result<Vec<Envelope>, ReadError> {
        panic!("nobody reads streams")
    }

    async fn read_all(&self, _: Position, _: usize) -> Result<Vec<Envelope>, ReadError> {
        panic!("nobody reads envelopes")
    }

    async fn read_stored(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, ReadError> {
        let rows = self.0.lock().unwrap();
        let rows = rows.iter().filter(|row| row.position > after);
        Ok(rows.take(limit).cloned().collect())
    }

    async fn head(&self) -> Result<Position, ReadError> {
        let rows = self.0.lock().unwrap();
        Ok(rows.last().map_or(Position(0), |row| row.position))
    }

    fn follow(&self, _: Position) -> Follow {
        panic!("nobody follows")
    }
}
