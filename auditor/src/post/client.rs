//! The HTTP client that posts checkpoints.

use std::fmt;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::uri::Scheme;
use http::{Request, StatusCode, Uri};
use http_body_util::Full;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::Connect;
use serde::Deserialize;

/// What C2SP serves checkpoints as.
const NOTE: &str = "text/plain; charset=utf-8";

/// Where checkpoints are posted to. The path may hold a secret, so only the host is ever shown.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct CheckpointUrl(Uri);

/// Why a text is not such a URL. It does not quote the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("expected `http://…` or `https://…`")]
    Malformed,
    #[error("the URL must not contain a user or a password")]
    Credentials,
}

impl TryFrom<String> for CheckpointUrl {
    type Error = UrlError;

    fn try_from(text: String) -> Result<Self, UrlError> {
        text.parse()
    }
}

impl std::str::FromStr for CheckpointUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let url: Uri = text.parse().map_err(|_| UrlError::Malformed)?;
        let known = [Some(&Scheme::HTTP), Some(&Scheme::HTTPS)].contains(&url.scheme());
        let authority = url.authority().filter(|_| known);
        let authority = authority.ok_or(UrlError::Malformed)?;
        if authority.as_str().contains('@') {
            return Err(UrlError::Credentials);
        }
        Ok(Self(url))
    }
}

impl CheckpointUrl {
    /// The whole URL.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.0
    }
}

impl fmt::Debug for CheckpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.0.scheme_str().unwrap_or_default();
        write!(f, "{scheme}://{}/…", self.0.host().unwrap_or_default())
    }
}

/// Why a checkpoint was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    #[error("the receiver answered {0}")]
    Refused(StatusCode),
    #[error("the receiver did not answer in time")]
    TimedOut,
    #[error("the checkpoint could not be sent")]
    Send(#[source] legacy::Error),
}

/// Posts notes to one URL.
#[derive(Clone)]
pub struct Client<C> {
    url: CheckpointUrl,
    http: legacy::Client<C, Full<Bytes>>,
}

impl<C: Connect + Clone + Send + Sync + 'static> Client<C> {
    /// A client that posts to `url` by `http`, which decides what is reached and trusted.
    #[must_use]
    pub fn new(url: CheckpointUrl, http: legacy::Client<C, Full<Bytes>>) -> Self {
        Self { url, http }
    }

    /// Posts `note`, which an answer 2xx accepts.
    ///
    /// # Errors
    /// There is another answer, or none.
    pub(super) async fn post(&self, note: String) -> Result<(), PostError> {
        let mut request = Request::new(Full::new(Bytes::from(note)));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = self.url.0.clone();
        let note = http::HeaderValue::from_static(NOTE);
        request.headers_mut().insert(CONTENT_TYPE, note);
        let answer = self.http.request(request).await;
        let status = answer.map_err(PostError::Send)?.status();
        if status.is_success() {
            Ok(())
        } else {
            Err(PostError::Refused(status))
        }
    }
}
