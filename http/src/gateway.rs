//! The run gateway: one run of an algorithm, asked for directly, as the original's clients do.
//!
//! What a request gets wrong has a status of its own. A well-formed request is answered with 200,
//! and clients go by whether `error` is in the body; in place of a bare result, which has none, any
//! error is 400 or 500.

mod content;
mod envelope;
mod failure;
mod parameters;
mod path;

use std::net::SocketAddr;
use std::sync::Arc;

use api::run::target::Target;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, HeaderValue, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use domain::run::{DirectResult, DirectRun, StartedRun};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::content::Content;
use self::envelope::About;
use self::failure::Failure;
use self::parameters::{Output, Parameters};
use super::{Site, body, principal};

/// The largest input, in bytes: the original's.
const LARGEST: usize = 10 * 1024 * 1024;

/// What all runs under way may take, in KiB of their inputs.
const ROOM: u32 = 256 * 1024;

/// The least that a run counts as: eighty at once are the original's.
const LEAST_ROOM: u32 = ROOM / 80;

type Pairs = Query<Vec<(String, String)>>;

/// The room for runs under way.
#[derive(Clone)]
pub(super) struct Room(Arc<Semaphore>);

/// A request that was found good.
struct Request {
    parameters: Parameters,
    content: Content,
    target: Target,
}

/// Whether a request for `path` is answered in the gateway's form.
pub(super) fn serves(path: &str) -> bool {
    path.starts_with("/v1/")
}

/// Everything below `/v1`.
pub(super) fn routes() -> Router<Site> {
    let other_method = async |query| refuse(&Failure::method(), output(&query), None);
    let elsewhere = async |query| refuse(&Failure::path(), output(&query), None);
    Router::new()
        .route("/algo/{*target}", post(run).fallback(other_method))
        .fallback(elsewhere)
}

/// The answer to a request that is not for this server, or comes from a page that is not its own.
pub(super) fn refuse_foreign(uri: &Uri, status: StatusCode, message: &str) -> Response {
    let query = Query::try_from_uri(uri);
    let failure = Failure::new(status, "InputError", message);
    refuse(&failure, output(&query), None)
}

/// The output that a query asks for.
fn output(query: &Result<Pairs, QueryRejection>) -> Output {
    query
        .as_ref()
        .map_or(Output::Envelope, |Query(pairs)| Output::of(pairs))
}

async fn run(
    State(site): State<Site>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    target: Result<Path<String>, PathRejection>,
    query: Result<Pairs, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let output = output(&query);
    let request = match read(target, query, &headers) {
        Ok(request) => request,
        Err(failure) => return refuse(&failure, output, None),
    };
    let alert = request.parameters.alert;
    match begin(&site, client, request, &headers, body).await {
        Ok(started) if output == Output::Void => answer(envelope::acknowledged(started.id)),
        Ok(started) => end(started, output, alert).await,
        Err(failure) => refuse(&failure, output, None),
    }
}

/// What is asked for, as far as it can be told without the body.
fn read(
    target: Result<Path<String>, PathRejection>,
    query: Result<Pairs, QueryRejection>,
    headers: &HeaderMap,
) -> Result<Request, Failure> {
    if !is_bearable(headers.get(AUTHORIZATION)) {
        return Err(Failure::authorization());
    }
    if is_encoded(headers) {
        return Err(Failure::content_encoding());
    }
    let Path(target) = target.map_err(|error| Failure::parameter(error.body_text()))?;
    let Query(pairs) = query.map_err(|error| Failure::parameter(error.body_text()))?;
    Ok(Request {
        target: path::target(&target).ok_or_else(Failure::path)?,
        parameters: Parameters::read(&pairs).map_err(Failure::parameter)?,
        content: Content::of_request(headers).ok_or_else(Failure::content_type)?,
    })
}

/// Whether the credential is of a kind that callers send: there is nobody yet to check it against.
/// The original's documents name the scheme `Simple`, its Python client sends the bare key, and its
/// Node client sends an empty header where it has no key.
fn is_bearable(credential: Option<&HeaderValue>) -> bool {
    let Some(credential) = credential else {
        return true;
    };
    let Ok(credential) = credential.to_str() else {
        return false;
    };
    let mut words = credential.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (None | Some(_), None, None) => true,
        (Some(scheme), Some(_), None) => ["simple", "bearer"]
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known)),
        _ => false,
    }
}

/// Whether the body is encoded. It would reach the endpoint without that word.
fn is_encoded(headers: &HeaderMap) -> bool {
    let mut said = headers.get_all(CONTENT_ENCODING).iter();
    said.any(|said| !said.as_bytes().eq_ignore_ascii_case(b"identity") && !said.is_empty())
}

async fn begin(
    site: &Site,
    client: SocketAddr,
    request: Request,
    headers: &HeaderMap,
    body: Body,
) -> Result<StartedRun, Failure> {
    let Request {
        parameters,
        content,
        target,
    } = request;
    let room = site.room.take(headers).ok_or_else(Failure::crowded)?;
    let body = body::read_up_to(body, LARGEST).await;
    let body = body.map_err(Failure::body)?;
    if !content.holds(&body) {
        return Err(Failure::mislabelled(content));
    }
    let resolved = target.resolve(site.schema.control()).await;
    let resolved = resolved.map_err(|cause| {
        tracing::error!(error = &cause as &dyn std::error::Error, "a request failed");
        Failure::unavailable()
    })?;
    let version = resolved.map_err(Failure::nothing_to_call)?;
    let principal = principal::of(site, client);
    let run = DirectRun {
        algorithm: version.algorithm.clone(),
        version: (&version).into(),
        content_type: content.media_type(),
        body,
        timeout: parameters.timeout,
        room: Box::new(room),
    };
    let started = site.settings.runner.start(run).await;
    let started = started.map_err(|error| Failure::of_runner(&error))?;
    tracing::debug!(
        run.id = %started.id,
        algorithm = %version.algorithm,
        version = %version.version,
        actor = ?principal.actor,
        "a direct run started"
    );
    Ok(started)
}

/// Waits for the run's decision, and answers with what it came to.
async fn end(started: StartedRun, output: Output, alert: Option<&'static str>) -> Response {
    let run = started.id;
    let outcome = match started.outcome.await {
        Ok(outcome) => outcome,
        Err(error) => return refuse(&Failure::of_runner(&error), output, None),
    };
    let about = About {
        run,
        duration: outcome.duration,
        alert,
    };
    match outcome.ended {
        Ok(result) if output == Output::Raw => bare(result),
        Ok(DirectResult {
            content_encoding: Some(encoding),
            ..
        }) => refuse(&Failure::encoded_result(&encoding), output, Some(about)),
        Ok(result) => answer(envelope::success(&result, about)),
        Err(failure) => refuse(&Failure::of_run(failure), output, Some(about)),
    }
}

impl Room {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(ROOM as usize)))
    }

    /// Room for a request's input and its run, if there is any now.
    fn take(&self, headers: &HeaderMap) -> Option<OwnedSemaphorePermit> {
        let length = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok());
        let length = length.and_then(|text| text.parse().ok());
        // One that does not say how long it is may be of any length.
        let length: usize = length.unwrap_or(LARGEST).min(LARGEST);
        let kib = u32::try_from(length / 1024 + 1).unwrap_or(ROOM);
        let room = Arc::clone(&self.0).try_acquire_many_owned(kib.max(LEAST_ROOM));
        room.ok()
    }
}

/// The bare result. It comes from an endpoint, so no browser may take it for a page of ours.
fn bare(result: DirectResult) -> Response {
    let content_type = result.content_type.as_deref();
    let said = content_type.and_then(|said| HeaderValue::from_str(said).ok());
    let content_type = said.unwrap_or_else(|| {
        let kind = Content::of_result(content_type, &result.body);
        HeaderValue::from_static(kind.media_type())
    });
    let headers = [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox")),
    ];
    let encoding = result.content_encoding;
    let encoding = encoding.and_then(|said| HeaderValue::from_str(&said).ok());
    let encoding = encoding.map(|said| [(CONTENT_ENCODING, said)]);
    (headers, encoding, result.body).into_response()
}

fn answer(json: Vec<u8>) -> Response {
    with_status(StatusCode::OK, json)
}

fn refuse(failure: &Failure, output: Output, about: Option<About>) -> Response {
    let json = envelope::error(&failure.error, about);
    let mut response = with_status(failure.status(output), json);
    if failure.is_passing() {
        let second = HeaderValue::from_static("1");
        response.headers_mut().insert(RETRY_AFTER, second);
    }
    response
}

fn with_status(status: StatusCode, json: Vec<u8>) -> Response {
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-store"),
    ];
    (status, headers, Bytes::from(json)).into_response()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::RunId;
    use domain::run::DirectOutcome;
    use serde_json::Value;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn keys_tokens_and_nothing_are_tolerated_and_other_schemes_refused() {
        let bearable = |text: &'static str| is_bearable(Some(&HeaderValue::from_static(text)));
        assert!(is_bearable(None));
        for text in ["", "Simple simABC", "simABC", "Bearer a.b.c", "bearer x"] {
            assert!(bearable(text), "{text}");
        }
        for text in ["Basic dTpw", "Simple a b", "Digest x=1"] {
            assert!(!bearable(text), "{text}");
        }
    }

    #[test]
    fn an_encoded_result_is_handed_on_with_its_encoding_where_it_is_bare() {
        let result = DirectResult {
            content_type: Some("application/json".to_owned()),
            content_encoding: Some("gzip".to_owned()),
            body: Bytes::from_static(b"\x1f\x8b"),
        };
        let response = bare(result);
        assert_eq!(response.headers()[CONTENT_ENCODING], "gzip");
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
    }

    #[tokio::test]
    async fn an_encoded_result_is_an_error_where_it_would_stand_in_json() {
        let result = DirectResult {
            content_type: Some("application/json".to_owned()),
            content_encoding: Some("gzip".to_owned()),
            body: Bytes::from_static(b"\x1f\x8b"),
        };
        let outcome = DirectOutcome {
            duration: Duration::ZERO,
            ended: Ok(result),
        };
        let started = StartedRun {
            id: RunId(Uuid::nil()),
            outcome: Box::pin(async { Ok(outcome) }),
        };
        let response = end(started, Output::Envelope, None).await;
        assert_eq!(response.status(), StatusCode::OK);
        let body = axum::body::to_bytes(response.into_body(), LARGEST).await;
        let told: Value = serde_json::from_slice(&body.unwrap()).unwrap();
        assert_eq!(told["error"]["error_type"], "UnsupportedError");
        assert!(told.get("result").is_none());
    }

    #[test]
    fn an_encoded_input_is_told_by_its_header() {
        let said = |text: &'static str| {
            is_encoded(&HeaderMap::from_iter([(
                CONTENT_ENCODING,
                HeaderValue::from_static(text),
            )]))
        };
        assert!(!is_encoded(&HeaderMap::new()));
        assert!(!said("Identity") && !said(""));
        assert!(said("gzip"));
    }

    #[test]
    fn eighty_small_runs_or_their_bodies_worth_are_under_way_at_most() {
        let headers = |length: &'static str| {
            HeaderMap::from_iter([(CONTENT_LENGTH, HeaderValue::from_static(length))])
        };
        let room = Room::new();
        let taken: Vec<_> = (0..100).filter_map(|_| room.take(&headers("10"))).collect();
        assert_eq!(taken.len(), 80);
        drop(taken);
        let unknown = HeaderMap::new();
        let taken: Vec<_> = (0..100).filter_map(|_| room.take(&unknown)).collect();
        assert_eq!(taken.len(), 25);
    }
}
