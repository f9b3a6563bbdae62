//! Appends to try a backend with.

use std::sync::atomic::{AtomicU64, Ordering};

use domain::testing::{meta, user};
use domain::{CommandId, EventId, NewEvent, Position, Revision, StreamName};
use jiff::Timestamp;
use uuid::Uuid;

use crate::port::{Append, AppendError, EventStore, Expected};

/// With nanoseconds that no log keeps.
pub(crate) const NOW: Timestamp = Timestamp::constant(1_795_000_000, 123_456_789);

/// An append of `events` events to `stream` by a command never used before.
pub(crate) fn sample(stream: &str, expected: Expected, events: usize) -> Append {
    static COMMANDS: AtomicU64 = AtomicU64::new(1);
    let number = COMMANDS.fetch_add(1, Ordering::Relaxed);
    let command = CommandId(Uuid::from_u64_pair(0xc033, number));
    Append {
        stream: StreamName(stream.to_owned()),
        expected,
        command,
        fingerprint: [number.to_le_bytes()[0]; 32],
        meta: meta(user("ann"), command),
        events: (0..events)
            .map(|index| sample_event(command, index, format!(r#"{{"n":{index}}}"#)))
            .collect(),
    }
}

/// The event at `index` of what `command` appends.
pub(super) fn sample_event(
    command: CommandId,
    index: usize,
    payload: impl Into<Vec<u8>>,
) -> NewEvent {
    NewEvent {
        id: EventId::of_command(command, index),
        type_name: "SampleTaken",
        schema_version: 1,
        payload: payload.into(),
    }
}

/// Appends one event to `stream` after its last one, however often others come first.
pub(super) async fn append_at_end(store: &dyn EventStore, stream: &str) -> Position {
    let mut append = sample(stream, Expected::NoStream, 1);
    loop {
        match store.append(append.clone()).await {
            Ok(appended) => return appended.last,
            Err(AppendError::Conflict { actual, .. }) => {
                append.expected = actual.map_or(Expected::NoStream, Expected::Exact);
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// The last revision of `stream`, which the refusal of an impossible append tells.
pub(super) async fn last_revision(store: &dyn EventStore, stream: &str) -> Option<Revision> {
    let impossible = Expected::Exact(Revision(u64::MAX));
    match store.append(sample(stream, impossible, 1)).await {
        Err(AppendError::Conflict { actual, .. }) => actual,
        other => panic!("not a conflict: {other:?}"),
    }
}
