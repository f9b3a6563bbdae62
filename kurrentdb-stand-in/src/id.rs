//! Event ids in the protocol's two forms.

use tonic::Status;
use uuid::Uuid;

use crate::protocol::event_store::client;
use crate::protocol::event_store::client::uuid::{Structured, Value};

/// The id that a client sent.
pub(crate) fn from_protocol(id: Option<&client::Uuid>) -> Result<Uuid, Status> {
    match id.and_then(|id| id.value.as_ref()) {
        Some(Value::String(text)) => text
            .parse()
            .map_err(|_| Status::invalid_argument("an id is not a UUID")),
        Some(Value::Structured(halves)) => Ok(Uuid::from_u64_pair(
            halves.most_significant_bits.cast_unsigned(),
            halves.least_significant_bits.cast_unsigned(),
        )),
        None => Err(Status::invalid_argument("an id is absent")),
    }
}

/// The id as text, or as the two halves that a client may have asked for.
pub(crate) fn to_protocol(id: Uuid, structured: bool) -> client::Uuid {
    let value = if structured {
        let (most, least) = id.as_u64_pair();
        Value::Structured(Structured {
            most_significant_bits: most.cast_signed(),
            least_significant_bits: least.cast_signed(),
        })
    } else {
        Value::String(id.to_string())
    };
    client::Uuid { value: Some(value) }
}
