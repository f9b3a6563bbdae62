//! The HTTP request of a call: the bytes of its input, and where they come from.

use bytes::Bytes;
use domain::algorithm::{Endpoint, EndpointError};
use http::header::{CONTENT_TYPE, HeaderName, InvalidHeaderValue, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request};
use http_body_util::Full;

use super::claim::Run;
use super::input::Input;

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

fn headers(input: &Input, run: &Run) -> Result<HeaderMap, InvalidHeaderValue> {
    let id = HeaderValue::from_maybe_shared(run.id.clone())?;
    let mut headers = HeaderMap::with_capacity(HEADERS);
    headers.insert(USER_AGENT, HeaderValue::from_static("eventflows"));
    headers.insert(CONTENT_TYPE, input.content_type.clone());
    headers.insert(IDEMPOTENCY_KEY, id.clone());
    headers.insert(CE_SPECVERSION, HeaderValue::from_static("1.0"));
    headers.insert(CE_ID, id);
    headers.insert(CE_SOURCE, input.source.as_str().try_into()?);
    headers.insert(CE_TYPE, HeaderValue::from_static(input.kind));
    if let Some(subject) = &input.subject {
        headers.insert(CE_SUBJECT, subject.as_str().try_into()?);
    }
    let traceparent = HeaderValue::from_maybe_shared(run.traceparent.clone())?;
    headers.insert(TRACEPARENT, traceparent);
    if let Some(time) = &input.time {
        headers.insert(CE_TIME, time.as_str().try_into()?);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::super::claim::tests::run;
    use super::super::header::tests::message;
    use super::*;

    #[test]
    fn a_request_says_which_run_it_is_of_and_where_the_message_stood() {
        let run = run(b"1b4e28ba-2fa1-11d2-883f-0016d3cca427");
        let request = build(
            "http://host/path?q=1",
            &Input::of_message(&message(&[], b"1")),
            &run,
        )
        .unwrap();
        let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("idempotency-key"), run.id);
        assert_eq!(header("ce-id"), run.id);
        assert_eq!(header("ce-subject"), "orders/2/40");
        assert_eq!(header("ce-time"), "1970-01-01T00:00:00Z");
        assert_eq!(request.uri().query(), Some("q=1"));
    }

    #[test]
    fn an_endpoint_that_cannot_be_published_is_not_called() {
        let run = run(b"1b4e28ba-2fa1-11d2-883f-0016d3cca427");
        let input = Input::of_message(&message(&[], b""));
        assert!(build("https://host/", &input, &run).is_err());
        assert!(build("not a url", &input, &run).is_err());
    }
}
