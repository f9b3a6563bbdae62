//! The HTTP request of a call: the bytes of its input, and where they come from.

use brokers::CloudEvent;
use bytes::Bytes;
use domain::algorithm::{Endpoint, EndpointError};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request};
use http_body_util::Full;

use super::claim::Run;
use super::header;
use super::input::{Event, Input};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const CE_SPECVERSION: HeaderName = HeaderName::from_static("ce-specversion");
const CE_ID: HeaderName = HeaderName::from_static("ce-id");
const CE_SOURCE: HeaderName = HeaderName::from_static("ce-source");
const CE_TYPE: HeaderName = HeaderName::from_static("ce-type");
const CE_SUBJECT: HeaderName = HeaderName::from_static("ce-subject");
const CE_TIME: HeaderName = HeaderName::from_static("ce-time");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const RUN_ID: HeaderName = HeaderName::from_static("eventflows-run-id");
const BATCH: HeaderName = HeaderName::from_static("eventflows-batch");
const NULL_BODY: HeaderName = HeaderName::from_static("eventflows-null-body");

/// Headers of a request, and those that the client adds.
const HEADERS: usize = 14;

/// The request that carries `input` to `endpoint`; otherwise why there can be none.
pub(super) fn build(
    endpoint: &str,
    input: &Input,
    run: &Run,
) -> Result<Request<Full<Bytes>>, String> {
    let endpoint: Endpoint = endpoint
        .parse()
        .map_err(|error: EndpointError| error.to_string())?;
    let mut request = Request::new(Full::new(input.body.clone()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = endpoint.into_uri();
    *request.headers_mut() =
        headers(input, run).map_err(|error| format!("no request can be made: {error}"))?;
    Ok(request)
}

fn headers(input: &Input, run: &Run) -> Result<HeaderMap, http::Error> {
    let id = HeaderValue::from_maybe_shared(run.id.clone())?;
    let mut headers = HeaderMap::with_capacity(HEADERS);
    headers.insert(USER_AGENT, HeaderValue::from_static("eventflows"));
    // Without it an endpoint may choose, and nothing here decodes what it sends.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(CONTENT_TYPE, input.content_type.clone());
    if let Some(encoding) = &input.content_encoding {
        headers.insert(CONTENT_ENCODING, encoding.clone());
    }
    if input.is_null {
        headers.insert(NULL_BODY, HeaderValue::from_static("true"));
    }
    headers.insert(IDEMPOTENCY_KEY, id.clone());
    let traceparent = HeaderValue::from_maybe_shared(run.traceparent.clone())?;
    headers.insert(TRACEPARENT, traceparent);
    match &input.event {
        Event::Made {
            source,
            kind,
            subject,
            time,
        } => {
            headers.insert(CE_SPECVERSION, HeaderValue::from_static("1.0"));
            headers.insert(CE_ID, id);
            headers.insert(CE_SOURCE, source.as_str().try_into()?);
            headers.insert(CE_TYPE, HeaderValue::from_static(kind));
            if let Some(subject) = subject {
                headers.insert(CE_SUBJECT, subject.as_str().try_into()?);
            }
            if let Some(time) = time {
                headers.insert(CE_TIME, time.as_str().try_into()?);
            }
        }
        Event::Passed {
            attributes,
            coordinates,
        } => {
            headers.insert(RUN_ID, id);
            for (name, value) in coordinates {
                headers.insert(*name, value.as_str().try_into()?);
            }
            if let Some(event) = attributes {
                pass(event, &mut headers)?;
            }
        }
        Event::Several(count) => {
            headers.insert(BATCH, HeaderValue::from(*count));
        }
    }
    Ok(headers)
}

/// The attributes by the HTTP binding of CloudEvents.
fn pass(event: &CloudEvent, headers: &mut HeaderMap) -> Result<(), http::Error> {
    for (name, value) in event.attributes() {
        let name: HeaderName = format!("ce-{name}").try_into()?;
        headers.insert(name, header::percent_encoded(value).try_into()?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::claim::tests::run;
    use super::super::header::tests::message;
    use super::*;

    const RUN: &[u8] = b"1b4e28ba-2fa1-11d2-883f-0016d3cca427";

    const EVENT: [(&str, &[u8]); 5] = [
        ("ce_specversion", b"1.0"),
        ("ce_type", b"com.shop.order"),
        ("ce_id", b"A1"),
        ("ce_source", b"/shop"),
        ("ce_subject", "größe 50%".as_bytes()),
    ];

    fn sent(headers: &[(&str, &[u8])], body: Option<&'static [u8]>) -> HeaderMap {
        let mut message = message(headers, b"");
        message.body = body.map(Bytes::from_static);
        let request = build("http://host/path", &Input::of_message(&message), &run(RUN));
        request.unwrap().into_parts().0.headers
    }

    fn names_with(headers: &HeaderMap, prefix: &str) -> Vec<String> {
        let names = headers.keys().map(|name| name.as_str().to_owned());
        let mut names: Vec<_> = names.filter(|name| name.starts_with(prefix)).collect();
        names.sort();
        names
    }

    #[test]
    fn a_request_says_which_run_it_is_of_and_where_the_message_stood() {
        let run = run(RUN);
        let request = build(
            "http://host/path?q=1",
            &Input::of_message(&message(&[], b"1")),
            &run,
        )
        .unwrap();
        let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("idempotency-key"), run.id);
        assert_eq!(header("ce-id"), run.id);
        assert_eq!(header("ce-type"), "eventflows.message");
        assert_eq!(header("ce-subject"), "orders/2/40");
        assert_eq!(header("ce-time"), "1970-01-01T00:00:00Z");
        assert_eq!(request.uri().query(), Some("q=1"));
    }

    #[test]
    fn a_message_that_is_an_event_reaches_the_endpoint_as_that_event() {
        let headers = sent(&EVENT, Some(b"{}"));
        for (name, value) in [
            ("ce-specversion", "1.0"),
            ("ce-type", "com.shop.order"),
            ("ce-id", "A1"),
            ("ce-source", "/shop"),
            ("ce-subject", "gr%C3%B6%C3%9Fe%2050%25"),
            ("eventflows-source-topic", "orders"),
            ("eventflows-source-partition", "2"),
            ("eventflows-source-offset", "40"),
            ("eventflows-source-time", "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(headers[name], value, "{name}");
        }
        assert_eq!(headers["eventflows-run-id"].as_bytes(), RUN);
        assert_eq!(headers["idempotency-key"].as_bytes(), RUN);
        assert_eq!(names_with(&headers, "ce-").len(), EVENT.len());
    }

    #[test]
    fn an_event_in_the_body_has_no_attributes_in_headers() {
        let kind: (&str, &[u8]) = (
            "content-type",
            b"application/cloudevents+json; charset=utf-8",
        );
        for headers in [&[kind][..], &[&EVENT[..], &[kind]].concat()] {
            let headers = sent(headers, Some(b"{}"));
            assert_eq!(headers["content-type"].as_bytes(), kind.1);
            assert!(names_with(&headers, "ce-").is_empty());
            assert_eq!(headers["eventflows-run-id"].as_bytes(), RUN);
        }
    }

    #[test]
    fn how_a_body_is_encoded_is_passed_on() {
        let encoded: [(&str, &[u8]); 2] = [
            ("content-type", b"application/json"),
            ("Content-Encoding", b"gzip"),
        ];
        let headers = sent(&encoded, Some(b"\x1f\x8b"));
        assert_eq!(headers["content-encoding"], "gzip");
        assert_eq!(headers["content-type"], "application/json");
        assert!(!sent(&[], Some(b"1")).contains_key("content-encoding"));
    }

    #[test]
    fn no_body_can_be_told_from_an_empty_one() {
        assert_eq!(sent(&[], None)["eventflows-null-body"], "true");
        assert!(!sent(&[], Some(b"")).contains_key("eventflows-null-body"));
    }

    #[test]
    fn an_endpoint_that_cannot_be_published_is_not_called() {
        let run = run(RUN);
        let input = Input::of_message(&message(&[], b""));
        assert!(build("https://host/", &input, &run).is_err());
        assert!(build("not a url", &input, &run).is_err());
    }
}
