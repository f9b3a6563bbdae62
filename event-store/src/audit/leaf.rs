//! The canonical encoding of a stored event, which its leaf is the hash of.
//!
//! Eleven fields, each a length of four bytes, big-endian, and then so many bytes: the format's
//! name [`FORMAT`], position, event id, stream, revision, type, schema version, recorded-at in
//! microseconds since 1970, command id, metadata, payload. Numbers are eight bytes, big-endian
//! (recorded-at in two's complement); ids are their sixteen bytes; texts are UTF-8; metadata and
//! payload are the stored bytes. It never changes: signed checkpoints hold its hashes.

use super::tree::{Hash, leaf_hash};
use crate::stored::StoredEvent;

/// The first field, which keeps another encoding's bytes apart.
pub const FORMAT: &str = "eventflows event 1";

/// The canonical encoding of `event`.
#[must_use]
pub fn encode(event: &StoredEvent) -> Vec<u8> {
    let texts = event.stream.as_str().len() + event.type_name.len() + event.metadata.len();
    let fixed = FORMAT.len() + 11 * 4 + 4 * 8 + 2 * 16;
    let mut bytes = Vec::with_capacity(fixed + texts + event.payload.len());
    field(&mut bytes, FORMAT.as_bytes());
    field(&mut bytes, &event.position.0.to_be_bytes());
    field(&mut bytes, event.id.0.as_bytes());
    field(&mut bytes, event.stream.as_str().as_bytes());
    field(&mut bytes, &event.revision.0.to_be_bytes());
    field(&mut bytes, event.type_name.as_bytes());
    field(&mut bytes, &u64::from(event.schema_version).to_be_bytes());
    field(&mut bytes, &event.recorded_at_us.to_be_bytes());
    field(&mut bytes, event.command.0.as_bytes());
    field(&mut bytes, event.metadata.as_bytes());
    field(&mut bytes, &event.payload);
    bytes
}

/// The hash of the event's leaf.
#[must_use]
pub fn hash(event: &StoredEvent) -> Hash {
    leaf_hash(&encode(event))
}

fn field(bytes: &mut Vec<u8>, value: &[u8]) {
    let length = u32::try_from(value.len()).expect("no field of an event reaches four gigabytes");
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(value);
}
