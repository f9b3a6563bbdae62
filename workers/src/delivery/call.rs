//! One call of an endpoint.

use std::error::Error;
use std::time::Duration;

use domain::run::CalledVersion;
use domain::settlement::Answer;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, LOCATION};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::called::Called;
use super::claim::Run;
use super::endpoint::Endpoints;
use super::input::Input;
use super::{answer, request, retry_after};
use crate::journal::Representation;

/// The largest answer, in bytes: the original's.
const LARGEST_ANSWER: usize = 15 * 1024 * 1024;

/// Where Azure's machine learning says what the model behind a 424 answered.
const MODEL_STATUS: &str = "ms-azureml-model-error-statuscode";

/// Calls once, within the version's time.
pub(crate) async fn call(
    endpoints: &Endpoints,
    version: &CalledVersion,
    input: &Input,
    run: &Run,
) -> Called {
    let limit = Duration::from_millis(version.timeout_ms);
    let exchange = exchange(endpoints, version, input, run);
    match tokio::time::timeout(limit, exchange).await {
        Ok(called) => called,
        Err(_) => Called::failed(
            Answer::TimedOut,
            Some(format!("no answer within {} ms", version.timeout_ms)),
        ),
    }
}

async fn exchange(
    endpoints: &Endpoints,
    version: &CalledVersion,
    input: &Input,
    run: &Run,
) -> Called {
    let build = || request::build(&version.endpoint, input, run);
    let request = match build() {
        Ok(request) => request,
        Err(problem) => return Called::unconnected(problem),
    };
    let response = match endpoints.send(request, || build().ok()).await {
        Ok(response) => response,
        Err(error) => {
            return Called {
                connected: !error.is_connect(),
                ..Called::failed(Answer::Unreachable, Some(innermost(&error)))
            };
        }
    };
    let (head, body) = response.into_parts();
    let body = match Limited::new(body, LARGEST_ANSWER).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Called::failed(Answer::AnswerTooLarge, None);
        }
        Err(error) => return Called::failed(Answer::Unreachable, Some(innermost(&*error))),
    };
    let representation = Representation {
        content_type: text(&head.headers, CONTENT_TYPE.as_str()),
        content_encoding: encoding(&head.headers),
    };
    let mut called = answer::read(version.protocol, head.status.as_u16(), representation, body);
    hear(&mut called, &head.headers);
    called
}

/// Adds what the headers say of the answer.
fn hear(called: &mut Called, headers: &HeaderMap) {
    let Answer::Status {
        status,
        inner_status,
        retry_after: wait,
        ..
    } = &mut called.answer
    else {
        return;
    };
    *wait = retry_after::read(headers);
    if let Some(inner) = text(headers, MODEL_STATUS) {
        *inner_status = inner.trim().parse().ok();
    }
    if matches!(*status, 300..=399)
        && let Some(location) = text(headers, LOCATION.as_str())
    {
        called.text = Some(answer::clip(format!("Location: {location}")));
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.to_owned())
}

/// The encodings of the body, in the order in which they were applied; none where it is as it is.
fn encoding(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(CONTENT_ENCODING).iter();
    let words = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    let applied = words
        .map(str::trim)
        .filter(|word| !word.is_empty() && !word.eq_ignore_ascii_case("identity"));
    let applied: Vec<_> = applied.collect();
    (!applied.is_empty()).then(|| applied.join(", "))
}

/// The cause at the bottom, which says most: "connection refused".
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn encodings_are_told_in_their_order_and_identity_is_none() {
        let told = |lines: &[&'static str]| {
            let lines = lines.iter().map(|line| HeaderValue::from_static(line));
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(CONTENT_ENCODING, line);
            }
            encoding(&headers)
        };
        assert_eq!(told(&["gzip"]).as_deref(), Some("gzip"));
        assert_eq!(
            told(&["deflate,gzip", "br"]).as_deref(),
            Some("deflate, gzip, br")
        );
        for none in [&[][..], &["identity"], &["", " Identity "]] {
            assert_eq!(told(none), None);
        }
    }
}
