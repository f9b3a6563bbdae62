//! Headers of messages and what may pass from them.

use brokers::Message;
use bytes::Bytes;
use domain::RunId;
use jiff::Timestamp;

/// The longest value that passes, in bytes.
const LONGEST_VALUE: usize = 4096;

/// The last value under `name`, whatever its case, if it is visible ASCII and of bearable length.
pub(super) fn visible<'m>(message: &'m Message, name: &str) -> Option<&'m str> {
    let named = |(header, _): &&(String, Option<Bytes>)| header.eq_ignore_ascii_case(name);
    let (_, value) = message.headers.iter().rev().find(named)?;
    let text = std::str::from_utf8(value.as_deref()?).ok()?.trim();
    let bearable = !text.is_empty() && text.len() <= LONGEST_VALUE;
    let visible = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    (bearable && visible).then_some(text)
}

/// The message's `traceparent` if it is one, else one that its run makes.
pub(super) fn traceparent(message: &Message, run_id: RunId) -> String {
    match visible(message, "traceparent") {
        Some(parent) if is_traceparent(parent) => parent.to_owned(),
        _ => traceparent_of(run_id),
    }
}

/// The `traceparent` that a run makes where nobody sent one.
pub(super) fn traceparent_of(run_id: RunId) -> String {
    let trace = run_id.0.simple().to_string();
    // The last half of the run id: never zero, for it holds the variant.
    format!("00-{trace}-{}-01", &trace[16..])
}

/// When the message was produced, as CloudEvents write it.
pub(super) fn time(message: &Message) -> Option<String> {
    let time = Timestamp::try_from(message.timestamp?).ok()?;
    Some(time.to_string())
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
    use brokers::Identity;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    pub(in super::super) fn message(headers: &[(&str, &[u8])], body: &[u8]) -> Message {
        Message {
            identity: Identity::Kafka {
                topic: "orders".into(),
                partition: 2,
                offset: 40,
            },
            key: Some(Bytes::from_static(b"key")),
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), Some(Bytes::copy_from_slice(value))))
                .collect(),
            body: Bytes::copy_from_slice(body),
            timestamp: Some(std::time::UNIX_EPOCH),
            attempt: None,
        }
    }

    #[test]
    fn a_valid_traceparent_passes_and_another_is_replaced() {
        let run = RunId(Uuid::new_v5(&Uuid::NAMESPACE_OID, b"run"));
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let passed = message(&[("Traceparent", parent.as_bytes())], b"");
        assert_eq!(traceparent(&passed, run), parent);
        for bad in [
            "",
            "00-0-0-0",
            &parent.replace("4736", "473G"),
            &parent[..50],
        ] {
            let made = traceparent(&message(&[("traceparent", bad.as_bytes())], b""), run);
            assert!(made.contains(&run.0.simple().to_string()), "{made}");
            assert!(is_traceparent(&made), "{made}");
        }
    }

    proptest! {
        #[test]
        fn what_passes_from_a_message_is_a_header_value(value: Vec<u8>) {
            let message = message(&[("x", &value)], b"");
            if let Some(passed) = visible(&message, "X") {
                prop_assert!(http::HeaderValue::from_str(passed).is_ok());
            }
        }
    }
}
