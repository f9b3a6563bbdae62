//! One call of an endpoint.

use std::error::Error;
use std::time::Duration;

use domain::run::CalledVersion;
use domain::settlement::Answer;
use http::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::called::Called;
use super::claim::Run;
use super::endpoint::Endpoints;
use super::input::Input;
use super::{answer, request};

/// The largest answer, in bytes: the original's.
const LARGEST_ANSWER: usize = 15 * 1024 * 1024;

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
    let request = match request::build(&version.endpoint, input, run) {
        Ok(request) => request,
        Err(problem) => return Called::unconnected(problem),
    };
    let response = match endpoints.send(request).await {
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
    let content_type = text(&head.headers, CONTENT_TYPE.as_str());
    let mut called = answer::read(version.protocol, head.status.as_u16(), content_type, body);
    if let Answer::Status { retry_after, .. } = &mut called.answer {
        *retry_after = text(&head.headers, RETRY_AFTER.as_str())
            .and_then(|seconds| seconds.trim().parse().ok())
            .map(Duration::from_secs);
    }
    called
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.to_owned())
}

/// The cause at the bottom, which says most: "connection refused".
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
