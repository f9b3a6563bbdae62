//! An event of ours as an event of KurrentDB, and back.
//!
//! Its type and data are our type and payload, byte for byte; everything else is in its metadata,
//! JSON. Its id is KurrentDB's own and random: by an id of ours the database would answer "done"
//! to a command that another process has just appended with another content.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::{CommandId, Envelope, EventId, Position, Revision, StreamName};
use jiff::Timestamp;
use kurrentdb::{EventData, RecordedEvent, ResolvedEvent};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use uuid::Uuid;

use super::failure::Failure;
use crate::import::StoredCommand;
use crate::port::{Append, Appended};
use crate::stored::StoredEvent;

/// What is the same in the request of every event: names, ids, numbers.
const FIXED_BYTES: usize = 480;

/// An event as it is stored, and what the record of its command is made of.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) stored: StoredEvent,
    fingerprint: [u8; 32],
    /// Which of its command's events it is, from 0.
    number: u32,
    /// How many events its command has.
    of: u32,
}

/// The metadata of an event of KurrentDB. What is stored is a contract: add, do not change.
#[derive(Serialize, Deserialize)]
struct Metadata<'a> {
    event_id: Uuid,
    #[serde(borrow)]
    stream: Cow<'a, str>,
    revision: u64,
    schema_version: u32,
    recorded_at_us: i64,
    command_id: Uuid,
    fingerprint: String,
    command_event: u32,
    command_events: u32,
    /// The stored text of the metadata that all backends have.
    #[serde(borrow)]
    meta: &'a RawValue,
}

impl Record {
    /// The records of `append`, which stands at `appended`.
    pub(super) fn of(append: &Append, appended: Appended, now: Timestamp) -> Vec<Self> {
        let metadata =
            to_raw_value(&append.meta).expect("plain data with string keys has a JSON form");
        let first_revision = appended.revision.0 + 1 - append.events.len() as u64;
        let of = u32::try_from(append.events.len()).unwrap_or(u32::MAX);
        let record = |(index, event): (u32, &domain::NewEvent)| Self {
            stored: StoredEvent {
                position: Position(appended.first.0 + u64::from(index)),
                id: event.id,
                stream: append.stream.clone(),
                revision: Revision(first_revision + u64::from(index)),
                type_name: event.type_name.to_owned(),
                schema_version: event.schema_version,
                recorded_at_us: now.as_microsecond(),
                command: append.command,
                metadata: metadata.get().to_owned(),
                payload: event.payload.clone(),
            },
            fingerprint: append.fingerprint,
            number: index,
            of,
        };
        (0..).zip(&append.events).map(record).collect()
    }

    /// The record of an event that another log has stored, as one of `command`'s.
    pub(super) fn stored(stored: StoredEvent, command: &StoredCommand) -> Self {
        let appended = command.appended;
        let place = |position: Position| {
            u32::try_from(position.0.saturating_sub(appended.first.0)).unwrap_or(u32::MAX)
        };
        Self {
            fingerprint: command.fingerprint,
            number: place(stored.position),
            of: place(appended.last).saturating_add(1),
            stored,
        }
    }

    /// The event that KurrentDB is to store.
    pub(super) fn event(&self) -> EventData {
        let stored = &self.stored;
        let meta = RawValue::from_string(stored.metadata.clone()).expect("metadata is JSON");
        let metadata = Metadata {
            event_id: stored.id.0,
            stream: Cow::Borrowed(stored.stream.as_str()),
            revision: stored.revision.0,
            schema_version: stored.schema_version,
            recorded_at_us: stored.recorded_at_us,
            command_id: stored.command.0,
            fingerprint: STANDARD.encode(self.fingerprint),
            command_event: self.number,
            command_events: self.of,
            meta: &meta,
        };
        let metadata = serde_json::to_vec(&metadata).expect("plain data has a JSON form");
        data(&stored.type_name, &stored.payload).metadata(metadata.into())
    }

    /// The event that KurrentDB has stored.
    pub(super) fn decode(event: &ResolvedEvent) -> Result<Self, Failure> {
        let event = event.get_original_event();
        let position = position(event);
        let damaged = |problem: String| Failure::Damaged { position, problem };
        let metadata: Metadata<'_> = serde_json::from_slice(&event.custom_metadata)
            .map_err(|error| damaged(error.to_string()))?;
        let fingerprint = STANDARD.decode(&metadata.fingerprint).ok();
        let fingerprint = fingerprint.and_then(|bytes| bytes.try_into().ok());
        Ok(Self {
            stored: StoredEvent {
                position,
                id: EventId(metadata.event_id),
                stream: StreamName(metadata.stream.into_owned()),
                revision: Revision(metadata.revision),
                type_name: event.event_type.clone(),
                schema_version: metadata.schema_version,
                recorded_at_us: metadata.recorded_at_us,
                command: CommandId(metadata.command_id),
                metadata: metadata.meta.get().to_owned(),
                payload: event.data.to_vec(),
            },
            fingerprint: fingerprint.ok_or_else(|| damaged("no fingerprint".to_owned()))?,
            number: metadata.command_event,
            of: metadata.command_events,
        })
    }

    /// The event as its readers see it.
    pub(super) fn envelope(&self) -> Result<Envelope, Failure> {
        let stored = &self.stored;
        let damaged = |problem: String| Failure::Damaged {
            position: stored.position,
            problem,
        };
        let recorded_at = Timestamp::from_microsecond(stored.recorded_at_us);
        let meta = serde_json::from_str(&stored.metadata);
        Ok(Envelope {
            id: stored.id,
            stream: stored.stream.clone(),
            revision: stored.revision,
            position: stored.position,
            type_name: stored.type_name.clone(),
            schema_version: stored.schema_version,
            recorded_at: recorded_at.map_err(|error| damaged(error.to_string()))?,
            command: stored.command,
            meta: meta.map_err(|error| damaged(error.to_string()))?,
            payload: stored.payload.clone(),
        })
    }

    /// Whether it is the first event of its command, from which the rest follows.
    pub(super) fn begins_command(&self) -> bool {
        self.number == 0
    }

    /// Whether it is the last event of its command.
    pub(super) fn ends_command(&self) -> bool {
        self.number.saturating_add(1) >= self.of
    }

    /// What its command was answered, and the digest it came with; of a first event.
    pub(super) fn command(&self) -> (Appended, [u8; 32]) {
        let more = u64::from(self.of).saturating_sub(1);
        let appended = Appended {
            first: self.stored.position,
            last: Position(self.stored.position.0 + more),
            revision: Revision(self.stored.revision.0 + more),
        };
        (appended, self.fingerprint)
    }

    /// About what it takes in a request, rather more.
    pub(super) fn bytes_sent(&self) -> usize {
        let stored = &self.stored;
        let texts = stored.type_name.len() + 2 * stored.stream.0.len() + stored.metadata.len();
        FIXED_BYTES + texts + stored.payload.len()
    }

    /// About what it takes in memory.
    pub(super) fn bytes(&self) -> usize {
        let stored = &self.stored;
        size_of::<Self>() + stored.metadata.len() + stored.payload.len() + stored.stream.0.len()
    }
}

/// The position of an event: they count from 1, revisions from 0.
pub(super) fn position(event: &RecordedEvent) -> Position {
    Position(event.revision + 1)
}

/// As JSON where its bytes survive that, so that people see it in KurrentDB's own interface.
fn data(type_name: &str, payload: &[u8]) -> EventData {
    let text = std::str::from_utf8(payload).ok();
    let json = text.and_then(|text| serde_json::from_str::<&RawValue>(text).ok());
    match json {
        Some(json) if json.get().len() == payload.len() => {
            EventData::json(type_name, &json).expect("JSON has a JSON form")
        }
        _ => EventData::binary(type_name, Bytes::copy_from_slice(payload)),
    }
}
