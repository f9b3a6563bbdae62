//! The HTTP request of a call: the message's bytes, and where they come from.

use brokers::{Identity, Message};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Request, Uri};
use http_body_util::Full;
use serde::de::IgnoredAny;
use uuid::Uuid;

use super::header;

/// The request that carries `message` to `endpoint`; otherwise why there can be none.
pub(super) fn build(
    endpoint: &str,
    message: &Message,
    run_id: Uuid,
) -> Result<Request<Full<Bytes>>, String> {
    let uri: Uri = endpoint
        .parse()
        .map_err(|error| format!("the endpoint is not a URL: {error}"))?;
    if uri.scheme_str() != Some("http") {
        return Err("https endpoints cannot be called yet".to_owned());
    }
    let Identity::Kafka { topic, .. } = &message.identity;
    let mut request = Request::post(uri)
        .header(USER_AGENT, "eventflows")
        .header(CONTENT_TYPE, content_type(message))
        .header("idempotency-key", run_id.to_string())
        .header("ce-specversion", "1.0")
        .header("ce-id", run_id.to_string())
        .header("ce-source", format!("/topics/{topic}"))
        .header("ce-type", "eventflows.message")
        .header("ce-subject", message.identity.to_string())
        .header("traceparent", header::traceparent(message, run_id));
    if let Some(time) = header::time(message) {
        request = request.header("ce-time", time);
    }
    request
        .body(Full::new(message.body.clone()))
        .map_err(|error| format!("no request can be made: {error}"))
}

/// What the message says of its body, else what the bytes look like.
pub(super) fn content_type(message: &Message) -> HeaderValue {
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

    #[test]
    fn a_request_says_which_run_it_is_of_and_where_the_message_stood() {
        let run = Uuid::from_u128(7);
        let request = build("http://host/path?q=1", &message(&[], b"1"), run).unwrap();
        let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("idempotency-key"), run.to_string());
        assert_eq!(header("ce-id"), run.to_string());
        assert_eq!(header("ce-subject"), "orders/2/40");
        assert_eq!(header("ce-time"), "1970-01-01T00:00:00Z");
        assert_eq!(request.uri().query(), Some("q=1"));
    }

    #[test]
    fn an_endpoint_that_is_not_plain_http_is_not_called() {
        assert!(build("https://host/", &message(&[], b""), Uuid::nil()).is_err());
        assert!(build("not a url", &message(&[], b""), Uuid::nil()).is_err());
    }
}
