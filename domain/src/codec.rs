//! Events to stored bytes and back.
//!
//! The stored bytes never change. A payload of an older schema version is lifted to the newest
//! by pure one-step upcasters on its JSON before it is read, see the module `upcast`.

use crate::envelope::{Envelope, NewEvent};
use crate::event::Event;
use crate::ids::{CommandId, EventId};
use crate::upcast;

/// Why stored bytes are not an event that this program knows. A follower of the log stops
/// here: it never skips.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("the event type {0} is unknown")]
    UnknownType(String),
    #[error("{type_name} has schema version {found}, newer than the known {known}")]
    NewerSchema {
        type_name: String,
        found: u32,
        known: u32,
    },
    #[error("a stored {type_name} could not be read")]
    Payload {
        type_name: String,
        #[source]
        source: serde_json::Error,
    },
}

/// The events of one command, encoded, each with its id.
///
/// # Panics
/// Never: every payload is plain data that serializes to JSON.
#[must_use]
pub fn encode(command: CommandId, events: &[Event]) -> Vec<NewEvent> {
    events
        .iter()
        .enumerate()
        .map(|(index, event)| NewEvent {
            id: EventId::of_command(command, index),
            type_name: event.type_name(),
            schema_version: event.schema_version(),
            payload: event
                .to_json()
                .expect("event payloads have string keys and no failing serializers"),
        })
        .collect()
}

/// The event in `envelope`.
///
/// # Errors
/// The type is unknown, its schema version is newer than this program, or the bytes are not a
/// payload of that type.
pub fn decode(envelope: &Envelope) -> Result<Event, DecodeError> {
    decode_payload(
        &envelope.type_name,
        envelope.schema_version,
        &envelope.payload,
    )
}

/// The event in a bare payload; see [`decode`].
///
/// # Errors
/// As [`decode`].
pub fn decode_payload(
    type_name: &str,
    schema_version: u32,
    payload: &[u8],
) -> Result<Event, DecodeError> {
    let unknown = || DecodeError::UnknownType(type_name.to_owned());
    let unreadable = |source| DecodeError::Payload {
        type_name: type_name.to_owned(),
        source,
    };
    let (_, known) = Event::TYPES
        .iter()
        .find(|(name, _)| *name == type_name)
        .ok_or_else(unknown)?;
    if schema_version > *known {
        return Err(DecodeError::NewerSchema {
            type_name: type_name.to_owned(),
            found: schema_version,
            known: *known,
        });
    }
    let payload = serde_json::from_slice(payload).map_err(unreadable)?;
    Event::from_json(type_name, upcast::lift(type_name, schema_version, payload))
        .ok_or_else(unknown)?
        .map_err(unreadable)
}
