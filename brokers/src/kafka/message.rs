//! Kafka records as messages of the port.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use rdkafka::Message as _;
use rdkafka::message::{BorrowedMessage, Header, Headers, OwnedHeaders};

use crate::port::{Identity, Message, Outgoing};

/// The message of a record of `topic`.
pub(super) fn from_record(record: &BorrowedMessage<'_>, topic: &Arc<str>) -> Message {
    Message {
        identity: Identity::Kafka {
            topic: Arc::clone(topic),
            partition: record.partition(),
            offset: record.offset(),
        },
        key: record.key().map(Bytes::copy_from_slice),
        headers: headers(record),
        body: record
            .payload()
            .map(Bytes::copy_from_slice)
            .unwrap_or_default(),
        timestamp: record.timestamp().to_millis().and_then(time),
        attempt: None,
    }
}

pub(super) fn to_headers(outgoing: &Outgoing) -> Option<OwnedHeaders> {
    if outgoing.headers.is_empty() {
        return None;
    }
    let empty = OwnedHeaders::new_with_capacity(outgoing.headers.len());
    Some(
        outgoing
            .headers
            .iter()
            .fold(empty, |headers, (key, value)| {
                headers.insert(Header {
                    key,
                    value: value.as_deref(),
                })
            }),
    )
}

/// Leaves out headers whose name is not UTF-8: rdkafka panics at them, and one such record must not
/// end the source at every attempt to read it.
fn headers(record: &BorrowedMessage<'_>) -> Vec<(String, Option<Bytes>)> {
    let Some(headers) = record.headers() else {
        return Vec::new();
    };
    let read = |index| {
        let header = catch_unwind(AssertUnwindSafe(|| headers.try_get(index)));
        if header.is_err() {
            let (partition, offset) = (record.partition(), record.offset());
            tracing::warn!(
                partition,
                offset,
                "left out a header whose name is not UTF-8"
            );
        }
        let header = header.ok().flatten()?;
        Some((
            header.key.to_owned(),
            header.value.map(Bytes::copy_from_slice),
        ))
    };
    (0..headers.count()).filter_map(read).collect()
}

fn time(millis: i64) -> Option<SystemTime> {
    let millis = u64::try_from(millis).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis))
}
