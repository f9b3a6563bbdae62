//! The HTTP request of a call: the message's bytes, and where they come from.

use brokers::{Identity, Message};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, InvalidHeaderValue, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use serde::de::IgnoredAny;

use super::claim::Run;
use super::header;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const CE_SPECVERSION: HeaderName = HeaderName::from_static("ce-specversion");
const CE_ID: HeaderName = HeaderName::from_static("ce-id");
const CE_SOURCE: HeaderName = HeaderName::from_static("ce-source");
const CE_TYPE: HeaderName = HeaderName::from_static("ce-type");
const CE_SUBJECT: HeaderName = HeaderName::from_static("ce-subject");
const CE_TIME: HeaderName = HeaderName::from_static("ce-time");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Headers of a request, and those that the client adds.
const HEADERS: usize = 14;

/// The request that carries `message` to `endpoint`; otherwise why there can be none.
pub(super) fn build(
    endpoint: &str,
    message: &Message,
    run: &Run,
) -> Result<Request<Full<Bytes>>, String> {
    let uri: Uri = endpoint
        .parse()
        .map_err(|error| format!("the endpoint is not a URL: {error}"))?;
    if uri.scheme_str() != Some("http") {
        return Err("https endpoints cannot be called yet".to_owned());
    }
    let mut request = Request::new(Full::new(message.body.clone()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    *request.headers_mut() =
        headers(message, run).map_err(|error| format!("no request can be made: {error}"))?;
    Ok(request)
}

fn headers(message: &Message, run: &Run) -> Result<HeaderMap, InvalidHeaderValue> {
    let Identity::Kafka { topic, .. } = &message.identity;
    let id = HeaderValue::from_maybe_shared(run.id.clone())?;
    let mut headers = HeaderMap::with_capacity(HEADERS);
    headers.insert(USER_AGENT, HeaderValue::from_static("eventflows"));
    headers.insert(CONTENT_TYPE, content_type(message));
    headers.insert(IDEMPOTENCY_KEY, id.clone());
    headers.insert(CE_SPECVERSION, HeaderValue::from_static("1.0"));
    headers.insert(CE_ID, id);
    headers.insert(CE_SOURCE, format!("/topics/{topic}").try_into()?);
    headers.insert(CE_TYPE, HeaderValue::from_static("eventflows.message"));
    headers.insert(CE_SUBJECT, message.identity.to_string().try_into()?);
    let traceparent = HeaderValue::from_maybe_shared(run.traceparent.clone())?;
    headers.insert(TRACEPARENT, traceparent);
    if let Some(time) = header::time(message) {
        headers.insert(CE_TIME, time.try_into()?);
    }
    Ok(headers)
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
    use super::super::claim::tests::run;
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
        let run = run(b"1b4e28ba-2fa1-11d2-883f-0016d3cca427");
        let request = build("http://host/path?q=1", &message(&[], b"1"), &run).unwrap();
        let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("idempotency-key"), run.id);
        assert_eq!(header("ce-id"), run.id);
        assert_eq!(header("ce-subject"), "orders/2/40");
        assert_eq!(header("ce-time"), "1970-01-01T00:00:00Z");
        assert_eq!(request.uri().query(), Some("q=1"));
    }

    #[test]
    fn an_endpoint_that_is_not_plain_http_is_not_called() {
        let run = run(b"1b4e28ba-2fa1-11d2-883f-0016d3cca427");
        assert!(build("https://host/", &message(&[], b""), &run).is_err());
        assert!(build("not a url", &message(&[], b""), &run).is_err());
    }
}
