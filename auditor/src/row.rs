//! A stored event as exports and proofs write it: everything that its canonical encoding needs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::{CommandId, EventId, Position, Revision, StreamName};
use event_store::StoredEvent;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The names of the columns of a CSV file, in the order of [`EventRow::columns`].
pub(crate) const COLUMNS: [&str; 12] = [
    "position",
    "event_id",
    "stream",
    "revision",
    "type",
    "schema_version",
    "recorded_at",
    "recorded_at_us",
    "command_id",
    "metadata",
    "payload",
    "payload_base64",
];

/// Metadata and payload are texts that hold the stored JSON, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventRow {
    position: u64,
    event_id: Uuid,
    stream: String,
    revision: u64,
    #[serde(rename = "type")]
    type_name: String,
    schema_version: u32,
    /// For people; empty where no calendar reaches.
    recorded_at: String,
    recorded_at_us: i64,
    command_id: Uuid,
    metadata: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
    /// In place of the payload where that is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payload_base64: Option<String>,
}

/// A row that contradicts itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the row of the event at position {0} contradicts itself")]
pub struct RowError(u64);

impl From<StoredEvent> for EventRow {
    fn from(event: StoredEvent) -> Self {
        let (payload, payload_base64) = match String::from_utf8(event.payload) {
            Ok(text) => (Some(text), None),
            Err(error) => (None, Some(STANDARD.encode(error.as_bytes()))),
        };
        Self {
            position: event.position.0,
            event_id: event.id.0,
            stream: event.stream.0,
            revision: event.revision.0,
            type_name: event.type_name,
            schema_version: event.schema_version,
            recorded_at: written_time(event.recorded_at_us),
            recorded_at_us: event.recorded_at_us,
            command_id: event.command.0,
            metadata: event.metadata,
            payload,
            payload_base64,
        }
    }
}

impl TryFrom<EventRow> for StoredEvent {
    type Error = RowError;

    fn try_from(row: EventRow) -> Result<Self, RowError> {
        let contradiction = RowError(row.position);
        if row.recorded_at != written_time(row.recorded_at_us) {
            return Err(contradiction);
        }
        let payload = match (row.payload, row.payload_base64) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(encoded)) => STANDARD.decode(encoded).map_err(|_| contradiction)?,
            _ => return Err(contradiction),
        };
        Ok(Self {
            position: Position(row.position),
            id: EventId(row.event_id),
            stream: StreamName(row.stream),
            revision: Revision(row.revision),
            type_name: row.type_name,
            schema_version: row.schema_version,
            recorded_at_us: row.recorded_at_us,
            command: CommandId(row.command_id),
            metadata: row.metadata,
            payload,
        })
    }
}

impl EventRow {
    /// The fields as texts.
    pub(crate) fn columns(self) -> [String; 12] {
        [
            self.position.to_string(),
            self.event_id.to_string(),
            self.stream,
            self.revision.to_string(),
            self.type_name,
            self.schema_version.to_string(),
            self.recorded_at,
            self.recorded_at_us.to_string(),
            self.command_id.to_string(),
            self.metadata,
            self.payload.unwrap_or_default(),
            self.payload_base64.unwrap_or_default(),
        ]
    }
}

/// With six digits of a second's fraction, UTC.
fn written_time(us: i64) -> String {
    Timestamp::from_microsecond(us).map_or_else(|_| String::new(), |time| format!("{time:.6}"))
}
