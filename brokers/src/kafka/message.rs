//! Kafka records as messages of the port.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use rdkafka::Message as _;
use rdkafka::message::{BorrowedMessage, Header, Headers, OwnedHeaders};

use crate::metadata::Metadata;
use crate::port::{Identity, Message, Outgoing};

/// What the headers of an event's attributes begin with: the Kafka binding of CloudEvents, and that
/// of HTTP, which many write into Kafka.
const EVENT_PREFIXES: [&str; 2] = ["ce_", "ce-"];

/// As many headers say what a message says of itself, as a rule.
const USUAL_METADATA: usize = 6;

/// The message of a record of `topic`.
pub(super) fn from_record(record: &BorrowedMessage<'_>, topic: &Arc<str>) -> Message {
    let headers = headers(record);
    Message {
        identity: Identity::Kafka {
            topic: Arc::clone(topic),
            partition: record.partition(),
            offset: record.offset(),
        },
        key: record.key().map(Bytes::copy_from_slice),
        metadata: Metadata::of_headers(&headers, &EVENT_PREFIXES),
        headers,
        body: record.payload().map(Bytes::copy_from_slice),
        timestamp: record.timestamp().to_millis().and_then(time),
        attempt: None,
    }
}

pub(super) fn to_headers(outgoing: &Outgoing) -> Option<OwnedHeaders> {
    let mut headers = all_headers(outgoing).peekable();
    headers.peek()?;
    let empty = OwnedHeaders::new_with_capacity(outgoing.headers.len() + USUAL_METADATA);
    Some(headers.fold(empty, |headers, (key, value)| {
        headers.insert(Header { key: &key, value })
    }))
}

/// How many bytes the record's headers have.
pub(super) fn headers_len(outgoing: &Outgoing) -> usize {
    let header =
        |(name, value): (Cow<'_, str>, Option<&[u8]>)| name.len() + value.map_or(0, <[u8]>::len);
    all_headers(outgoing).map(header).sum()
}

/// What the message says of itself, and then its other headers.
fn all_headers(outgoing: &Outgoing) -> impl Iterator<Item = (Cow<'_, str>, Option<&[u8]>)> {
    let metadata = &outgoing.metadata;
    let content = [
        ("content-type", &metadata.content_type),
        ("content-encoding", &metadata.content_encoding),
    ];
    let content = content
        .into_iter()
        .filter_map(|(name, value)| Some((Cow::Borrowed(name), Some(&value.as_ref()?[..]))));
    let attributes = metadata.event.iter().flat_map(|event| event.attributes());
    let attributes = attributes.map(|(name, value)| (attribute(name), Some(&value[..])));
    let headers = outgoing.headers.iter();
    let headers = headers.map(|(name, value)| (Cow::Borrowed(&**name), value.as_deref()));
    content.chain(attributes).chain(headers)
}

/// The header of an event's attribute. The usual ones cost no allocation.
fn attribute(name: &str) -> Cow<'static, str> {
    Cow::Borrowed(match name {
        "specversion" => "ce_specversion",
        "id" => "ce_id",
        "source" => "ce_source",
        "type" => "ce_type",
        "subject" => "ce_subject",
        "time" => "ce_time",
        _ => return Cow::Owned(format!("ce_{name}")),
    })
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

#[cfg(test)]
mod tests {
    use crate::metadata::CloudEvent;

    use super::*;

    #[test]
    fn an_event_is_spelled_as_the_kafka_binding_has_it() {
        let text = |text: &'static str| Bytes::from_static(text.as_bytes());
        let outgoing = Outgoing {
            topic: "scores".to_owned(),
            key: None,
            headers: vec![("x".into(), None)],
            metadata: Metadata {
                content_type: Some(text("application/json")),
                content_encoding: Some(text("gzip")),
                event: Some(CloudEvent {
                    specversion: text("1.0"),
                    id: text("1"),
                    source: text("/a"),
                    kind: text("b"),
                    others: vec![("tenant".into(), text("n"))],
                }),
            },
            body: None,
        };
        let headers = to_headers(&outgoing).unwrap();
        let written: Vec<_> = headers
            .iter()
            .map(|header| (header.key, header.value))
            .collect();
        assert_eq!(
            written,
            [
                ("content-type", Some(&b"application/json"[..])),
                ("content-encoding", Some(b"gzip")),
                ("ce_specversion", Some(b"1.0")),
                ("ce_id", Some(b"1")),
                ("ce_source", Some(b"/a")),
                ("ce_type", Some(b"b")),
                ("ce_tenant", Some(b"n")),
                ("x", None),
            ]
        );
    }
}
