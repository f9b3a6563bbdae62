//! An event exactly as it is stored: what an auditor sees and what proofs are about.

use domain::{CommandId, Envelope, EventId, Position, Revision, StreamName};

/// A row of the log, with its metadata and payload byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    pub position: Position,
    pub id: EventId,
    pub stream: StreamName,
    pub revision: Revision,
    pub type_name: String,
    pub schema_version: u32,
    /// Microseconds since 1970, UTC.
    pub recorded_at_us: i64,
    pub command: CommandId,
    /// JSON, the stored text.
    pub metadata: String,
    /// JSON, the stored bytes.
    pub payload: Vec<u8>,
}

/// What a backend that stores metadata as this program writes it holds for the envelope.
impl From<Envelope> for StoredEvent {
    fn from(envelope: Envelope) -> Self {
        Self {
            position: envelope.position,
            id: envelope.id,
            stream: envelope.stream,
            revision: envelope.revision,
            type_name: envelope.type_name,
            schema_version: envelope.schema_version,
            recorded_at_us: envelope.recorded_at.as_microsecond(),
            command: envelope.command,
            metadata: serde_json::to_string(&envelope.meta)
                .expect("plain data with string keys has a JSON form"),
            payload: envelope.payload,
        }
    }
}
