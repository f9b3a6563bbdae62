//! Headers of messages and what may pass from them.

use brokers::{Identity, Message};
use bytes::Bytes;
use domain::RunId;
use domain::run::CorrelationId;
use jiff::Timestamp;

/// The longest value that passes, in bytes.
const LONGEST_VALUE: usize = 4096;

pub(super) const TRACEPARENT: &str = "traceparent";
pub(super) const RUN_ID: &str = "eventflows-run-id";
pub(super) const SOURCE_TOPIC: &str = "eventflows-source-topic";
pub(super) const SOURCE_PARTITION: &str = "eventflows-source-partition";
pub(super) const SOURCE_OFFSET: &str = "eventflows-source-offset";
pub(super) const SOURCE_TIME: &str = "eventflows-source-time";

/// `value`, if it is visible ASCII and of bearable length.
pub(super) fn visible(value: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let bearable = !text.is_empty() && text.len() <= LONGEST_VALUE;
    let visible = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    (bearable && visible).then_some(text)
}

/// The last value under `name`, whatever its case.
pub(super) fn last<'m>(message: &'m Message, name: &str) -> Option<&'m Bytes> {
    let named = |(header, _): &&(String, Option<Bytes>)| header.eq_ignore_ascii_case(name);
    let (_, value) = message.headers.iter().rev().find(named)?;
    value.as_ref()
}

/// The message's `traceparent` if it is one. An event may have it among its attributes.
pub(super) fn traceparent(message: &Message) -> Option<&str> {
    let event = message.metadata.event.as_ref();
    let extension = || event.and_then(|event| event.other("traceparent"));
    let said = last(message, TRACEPARENT).or_else(extension);
    said.and_then(|said| visible(said))
        .filter(|said| is_traceparent(said))
}

/// The `traceparent` that a run makes where nobody sent one.
pub(super) fn traceparent_of(correlation: CorrelationId, run_id: RunId) -> String {
    let span = run_id.0.simple().to_string();
    // The last half of the run id: never zero, for it holds the variant.
    format!("00-{correlation}-{}-01", &span[16..])
}

/// The run whose output or dead letter the message says it is.
pub(super) fn parent(message: &Message) -> Option<RunId> {
    let said = visible(last(message, RUN_ID)?)?;
    said.parse().ok().map(RunId)
}

/// When the message was produced, as CloudEvents write it.
pub(super) fn time(message: &Message) -> Option<String> {
    let time = Timestamp::try_from(message.timestamp?).ok()?;
    Some(time.to_string())
}

/// Where the message stood, in headers of ours.
pub(super) fn coordinates(message: &Message) -> Vec<(&'static str, String)> {
    let Identity::Kafka {
        topic,
        partition,
        offset,
    } = &message.identity;
    let mut coordinates = vec![
        (SOURCE_TOPIC, topic.to_string()),
        (SOURCE_PARTITION, partition.to_string()),
        (SOURCE_OFFSET, offset.to_string()),
    ];
    if let Some(time) = time(message) {
        coordinates.push((SOURCE_TIME, time));
    }
    coordinates
}

/// `text` as CloudEvents write it into a header of HTTP: what is not visible ASCII, and what has a
/// meaning there, as its bytes in hexadecimal.
pub(super) fn percent_encoded(text: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for &byte in text {
        if byte.is_ascii_graphic() && !b"\"%".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// `text` as a header's value on one line.
pub(super) fn one_line(text: &str) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(printable).collect()
}

/// Whether `text` is a W3C trace parent of version 00.
fn is_traceparent(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let is_hex = |part: &str, length: usize| {
        part.len() == length
            && part
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let is_id = |part: &str, length| is_hex(part, length) && part.bytes().any(|byte| byte != b'0');
    matches!(parts[..], ["00", trace, span, flags]
        if is_id(trace, 32) && is_id(span, 16) && is_hex(flags, 2))
}

#[cfg(test)]
pub(super) mod tests {
    use brokers::Metadata;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    pub(in super::super) fn message(headers: &[(&str, &[u8])], body: &[u8]) -> Message {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Some(Bytes::copy_from_slice(value))))
            .collect();
        Message {
            identity: Identity::Kafka {
                topic: "orders".into(),
                partition: 2,
                offset: 40,
            },
            key: Some(Bytes::from_static(b"key")),
            metadata: Metadata::of_headers(&headers, &["ce_"]),
            headers,
            body: Some(Bytes::copy_from_slice(body)),
            timestamp: Some(std::time::UNIX_EPOCH),
            attempt: None,
        }
    }

    #[test]
    fn a_valid_traceparent_passes_and_another_is_none() {
        let run = RunId(Uuid::new_v5(&Uuid::NAMESPACE_OID, b"run"));
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let passed = message(&[("Traceparent", parent.as_bytes())], b"");
        assert_eq!(traceparent(&passed), Some(parent));
        let correlation = CorrelationId::of_trace_parent(parent).unwrap();
        for bad in [
            "",
            "00-0-0-0",
            &parent.replace("4736", "473G"),
            &parent[..50],
        ] {
            let message = message(&[("traceparent", bad.as_bytes())], b"");
            assert_eq!(traceparent(&message), None, "{bad}");
        }
        let made = traceparent_of(correlation, run);
        assert_eq!(CorrelationId::of_trace_parent(&made), Some(correlation));
        assert!(is_traceparent(&made), "{made}");
    }

    #[test]
    fn an_event_may_have_its_traceparent_among_its_attributes() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let event = [
            ("specversion", "1.0"),
            ("id", "1"),
            ("source", "/"),
            ("type", "a"),
        ];
        let event = event.map(|(name, value)| (format!("ce_{name}"), value));
        let mut headers: Vec<_> = event
            .iter()
            .map(|(name, value)| (&**name, value.as_bytes()))
            .collect();
        headers.push(("ce_traceparent", parent.as_bytes()));
        assert_eq!(traceparent(&message(&headers, b"")), Some(parent));
    }

    #[test]
    fn a_message_says_which_run_it_comes_from() {
        let run = Uuid::new_v5(&Uuid::NAMESPACE_OID, b"run");
        let said = run.to_string();
        let message = |said: &str| message(&[("eventflows-run-id", said.as_bytes())], b"");
        assert_eq!(parent(&message(&said)), Some(RunId(run)));
        assert_eq!(parent(&message("another")), None);
    }

    proptest! {
        #[test]
        fn an_attribute_in_a_header_of_http_is_its_value(value: Vec<u8>) {
            let encoded = percent_encoded(&value);
            prop_assert!(http::HeaderValue::from_str(&encoded).is_ok());
            prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"'));
        }

        #[test]
        fn what_passes_from_a_message_is_a_header_value(value: Vec<u8>) {
            if let Some(passed) = visible(&value) {
                prop_assert!(http::HeaderValue::from_str(passed).is_ok());
            }
        }
    }
}
