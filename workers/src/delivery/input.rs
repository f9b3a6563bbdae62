//! What a call carries, and where it comes from: a message, or what a direct caller sent.

use brokers::{CloudEvent, Identity, Message};
use bytes::Bytes;
use domain::AlgorithmId;
use expressions::Made;
use http::HeaderValue;
use serde::de::IgnoredAny;

use super::header;
use super::sampled::Sent;

/// The body of a call, and what its headers say of it.
pub(crate) struct Input {
    pub(super) body: Bytes,
    /// Whether the message has no body, which is not the same as an empty one.
    pub(super) is_null: bool,
    pub(super) content_type: HeaderValue,
    pub(super) content_encoding: Option<HeaderValue>,
    pub(super) event: Event,
    /// Whether the body is the message's, as it is.
    pub(super) is_message: bool,
}

/// The event that an endpoint is told of.
pub(super) enum Event {
    /// One that we make of what is none by itself.
    Made {
        source: String,
        kind: &'static str,
        subject: Option<String>,
        time: Option<String>,
    },
    /// The message is an event, and keeps its attributes; they are none where the body holds them.
    /// Where the message stood is told beside it.
    Passed {
        attributes: Option<CloudEvent>,
        coordinates: Vec<(&'static str, String)>,
    },
    /// There are so many, in the body.
    Several(usize),
}

impl Input {
    /// The message's bytes as they are.
    pub(super) fn of_message(message: &Message) -> Self {
        let encoding = message.metadata.content_encoding.as_ref();
        Self {
            body: message.body.clone().unwrap_or_default(),
            is_null: message.body.is_none(),
            content_type: content_type(message),
            content_encoding: encoding.and_then(passed),
            event: event(message),
            is_message: true,
        }
    }

    /// What a transform made of the message, in place of its bytes. An event that the body held is
    /// none any more; one in headers keeps its attributes.
    pub(super) fn in_place(self, made: Made) -> Self {
        Self {
            content_type: HeaderValue::from_static(made.content_type()),
            body: made.into_bytes(),
            is_null: false,
            content_encoding: None,
            event: self.event,
            is_message: false,
        }
    }

    /// The body, to be kept.
    pub(super) fn sent(&self) -> Sent {
        Sent {
            body: self.body.clone(),
            content_type: self.content_type.clone(),
            is_message: self.is_message,
        }
    }

    /// The body of a direct call of `algorithm`.
    pub(crate) fn of_caller(
        algorithm: &AlgorithmId,
        content_type: &'static str,
        body: Bytes,
    ) -> Self {
        Self {
            body,
            is_null: false,
            content_type: HeaderValue::from_static(content_type),
            content_encoding: None,
            event: Event::Made {
                source: format!("/v1/algo/{algorithm}"),
                kind: "eventflows.call",
                subject: None,
                time: None,
            },
            is_message: false,
        }
    }
}

fn event(message: &Message) -> Event {
    let metadata = &message.metadata;
    if metadata.event.is_some() || metadata.is_structured_event() {
        return Event::Passed {
            attributes: metadata.event.clone(),
            coordinates: header::coordinates(message),
        };
    }
    let Identity::Kafka { topic, .. } = &message.identity;
    Event::Made {
        source: format!("/topics/{topic}"),
        kind: "eventflows.message",
        subject: Some(message.identity.to_string()),
        time: header::time(message),
    }
}

/// What the message says of its body, else what the bytes look like.
fn content_type(message: &Message) -> HeaderValue {
    let said = message.metadata.content_type.as_ref();
    said.and_then(passed).unwrap_or_else(|| {
        let body = message.body.as_deref();
        HeaderValue::from_static(body.map_or(BYTES, guess))
    })
}

const BYTES: &str = "application/octet-stream";

/// The content type of bytes of which nothing is said. A zero byte is looked for before anything
/// else, so that the type is the same for all messages of one schema of a registry, which begin with
/// one, whether or not the rest happens to be UTF-8.
fn guess(body: &[u8]) -> &'static str {
    if body.contains(&0) {
        BYTES
    } else if may_be_json(body) && serde_json::from_slice::<IgnoredAny>(body).is_ok() {
        "application/json"
    } else if std::str::from_utf8(body).is_ok() {
        "text/plain; charset=utf-8"
    } else {
        BYTES
    }
}

/// Whether it is worth parsing.
fn may_be_json(body: &[u8]) -> bool {
    let body = body.trim_ascii();
    match (body.first(), body.last()) {
        (Some(b'{'), Some(last)) => *last == b'}',
        (Some(b'['), Some(last)) => *last == b']',
        (Some(first), _) => matches!(first, b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n'),
        _ => false,
    }
}

fn passed(said: &Bytes) -> Option<HeaderValue> {
    HeaderValue::from_str(header::visible(said)?).ok()
}

#[cfg(test)]
mod tests {
    use super::header::tests::message;
    use super::*;

    fn guessed(body: &[u8]) -> HeaderValue {
        content_type(&message(&[], body))
    }

    #[test]
    fn a_body_without_a_content_type_is_looked_at() {
        for json in ["{\"a\":1}", " [1]\n", "\"a\"", "-1.5", "true", "null"] {
            assert_eq!(guessed(json.as_bytes()), "application/json", "{json}");
        }
        for text in ["hello", "{\"a\":1", "{a}", "nothing", ""] {
            assert_eq!(
                guessed(text.as_bytes()),
                "text/plain; charset=utf-8",
                "{text}"
            );
        }
        assert_eq!(guessed(b"\xff\xfe"), BYTES);
        let null = Message {
            body: None,
            ..message(&[], b"")
        };
        assert_eq!(content_type(&null), BYTES);
    }

    #[test]
    fn a_body_with_a_zero_byte_is_no_text() {
        // Two messages of one schema of a registry; the first is UTF-8.
        assert_eq!(guessed(b"\0\0\0\0\x07\x06\x41\x64\x61"), BYTES);
        assert_eq!(guessed(b"\0\0\0\0\x07\x06\xc3\x28\x61"), BYTES);
        assert_eq!(guessed(b"a\0b"), BYTES);
        assert_eq!(guessed(b"{\"a\":\"\0\"}"), BYTES);
    }

    #[test]
    fn a_content_type_that_could_split_the_head_is_not_passed_on() {
        let passed = content_type(&message(&[("Content-Type", b"image/png")], b"1"));
        assert_eq!(passed, "image/png");
        let split = message(&[("content-type", b"a/b\r\nx: y")], b"1");
        assert_eq!(content_type(&split), "application/json");
    }
}
