//! One call of an endpoint.

use std::error::Error;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use domain::algorithm::CallSettings;
use domain::run::CalledVersion;
use domain::settlement::Answer;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, LOCATION};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;

use super::called::{Called, Received};
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
    let calls = &version.calls;
    let connect = calls.connect_timeout_ms;
    let connect = Duration::from_millis(connect.unwrap_or(CallSettings::CONNECT_TIMEOUT_MS));
    let sent = endpoints.send(connect, request, || build().ok());
    let response = match within(calls.first_byte_timeout_ms, sent).await {
        Err(Silent(ms)) => return silent(format!("no answer began within {ms} ms")),
        Ok(Ok(response)) => response,
        Ok(Err(error)) => {
            return Called {
                connected: !error.is_connect(),
                ..Called::failed(Answer::Unreachable, Some(innermost(&error)))
            };
        }
    };
    let (head, body) = response.into_parts();
    let body = match read(body, calls.idle_timeout_ms).await {
        Ok(body) => body,
        Err(error) => return error.into(),
    };
    let representation = Representation {
        content_type: text(&head.headers, CONTENT_TYPE.as_str()),
        content_encoding: encoding(&head.headers),
    };
    let received = Received {
        body: body.clone(),
        content_type: head.headers.get(CONTENT_TYPE).cloned(),
        content_encoding: representation.content_encoding.clone(),
    };
    let mut called = answer::read(version.protocol, head.status.as_u16(), representation, body);
    called.received = Some(received);
    hear(&mut called, &head.headers);
    called
}

/// The whole body of an answer.
async fn read(body: Incoming, idle_timeout_ms: Option<u64>) -> Result<Bytes, Unread> {
    let mut body = Limited::new(body, LARGEST_ANSWER);
    // Most answers come in one piece, which is not copied.
    let (mut first, mut rest) = (Bytes::new(), BytesMut::new());
    while let Some(frame) = within(idle_timeout_ms, body.frame()).await? {
        let Ok(piece) = frame?.into_data() else {
            continue;
        };
        if first.is_empty() {
            first = piece;
            continue;
        }
        if rest.is_empty() {
            rest.extend_from_slice(&first);
        }
        rest.extend_from_slice(&piece);
    }
    Ok(if rest.is_empty() {
        first
    } else {
        rest.freeze()
    })
}

/// Why there is no whole body.
enum Unread {
    Silent(Silent),
    Broken(Box<dyn Error + Send + Sync>),
}

impl From<Silent> for Unread {
    fn from(silent: Silent) -> Self {
        Self::Silent(silent)
    }
}

impl From<Box<dyn Error + Send + Sync>> for Unread {
    fn from(error: Box<dyn Error + Send + Sync>) -> Self {
        Self::Broken(error)
    }
}

impl From<Unread> for Called {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Silent(Silent(ms)) => silent(format!("the answer stopped for {ms} ms")),
            Unread::Broken(error) if error.is::<LengthLimitError>() => {
                Called::failed(Answer::AnswerTooLarge, None)
            }
            Unread::Broken(error) => Called::failed(Answer::Unreachable, Some(innermost(&*error))),
        }
    }
}

/// Nothing happened for so many milliseconds.
struct Silent(u64);

/// Waits for something for so many milliseconds, or for as long as it takes.
async fn within<T>(ms: Option<u64>, waited: impl Future<Output = T>) -> Result<T, Silent> {
    let Some(ms) = ms else {
        return Ok(waited.await);
    };
    let waited = tokio::time::timeout(Duration::from_millis(ms), waited).await;
    waited.map_err(|_| Silent(ms))
}

fn silent(text: String) -> Called {
    Called::failed(Answer::TimedOut, Some(text))
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
mod tests;
