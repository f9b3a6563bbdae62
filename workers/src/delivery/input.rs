//! What a call carries, and where it comes from: a message, or what a direct caller sent.

use brokers::{Identity, Message};
use bytes::Bytes;
use domain::AlgorithmId;
use http::HeaderValue;
use serde::de::IgnoredAny;

use super::header;

/// The body of a call, and what its CloudEvents headers say of it.
pub(crate) struct Input {
    pub(super) body: Bytes,
    pub(super) content_type: HeaderValue,
    pub(super) source: String,
    pub(super) kind: &'static str,
    pub(super) subject: Option<String>,
    pub(super) time: Option<String>,
}

impl Input {
    /// The message's bytes as they are.
    pub(super) fn of_message(message: &Message) -> Self {
        let Identity::Kafka { topic, .. } = &message.identity;
        Self {
            body: message.body.clone(),
            content_type: content_type(message),
            source: format!("/topics/{topic}"),
            kind: "eventflows.message",
            subject: Some(message.identity.to_string()),
            time: header::time(message),
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
            content_type: HeaderValue::from_static(content_type),
            source: format!("/v1/algo/{algorithm}"),
            kind: "eventflows.call",
            subject: None,
            time: None,
        }
    }
}

/// What the message says of its body, else what the bytes look like.
fn content_type(message: &Message) -> HeaderValue {
    let said = header::visible(message, "content-type");
    if let Some(said) = said.and_then(|said| HeaderValue::from_str(said).ok()) {
        return said;
    }
    HeaderValue::from_static(
        if serde_json::from_slice::<IgnoredAny>(&message.body).is_ok() {
            "application/json"
        } else if std::str::from_utf8(&message.body).is_ok() {
            "text/plain; charset=utf-8"
        } else {
            "application/octet-stream"
        },
    )
}

#[cfg(test)]
mod tests {
    use super::header::tests::message;
    use super::*;

    #[test]
    fn a_body_without_a_content_type_is_looked_at() {
        let guess = |body: &[u8]| content_type(&message(&[], body));
        assert_eq!(guess(br#"{"a":1}"#), "application/json");
        assert_eq!(guess(b"hello"), "text/plain; charset=utf-8");
        assert_eq!(guess(b"\xff\xfe"), "application/octet-stream");
    }

    #[test]
    fn a_content_type_that_could_split_the_head_is_not_passed_on() {
        let passed = content_type(&message(&[("Content-Type", b"image/png")], b"1"));
        assert_eq!(passed, "image/png");
        let split = message(&[("content-type", b"a/b\r\nx: y")], b"1");
        assert_eq!(content_type(&split), "application/json");
    }
}
