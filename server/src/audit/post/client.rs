//! The HTTP client that posts checkpoints.

use std::fmt;
use std::io;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::uri::Scheme;
use http::{Request, StatusCode, Uri};
use http_body_util::Full;
use hyper_util::client::legacy;
use serde::Deserialize;

use crate::https::{self, HttpsClient};

/// What C2SP serves checkpoints as.
const NOTE: &str = "text/plain; charset=utf-8";

/// Where checkpoints are posted to. The path may hold a secret, so no text shows more than the
/// host.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct CheckpointUrl(Uri);

/// Why a text is no such URL. It does not quote the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("checkpoints are posted to `http://…` or `https://…`")]
    Malformed,
    #[error("the URL that checkpoints are posted to must not hold a user or a password")]
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

impl fmt::Debug for CheckpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.0.scheme_str().unwrap_or_default();
        write!(f, "{scheme}://{}/…", self.0.host().unwrap_or_default())
    }
}

/// Why a checkpoint was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    #[error("the answer was {0}")]
    Refused(StatusCode),
    #[error("there was no answer in time")]
    TimedOut,
    #[error("it could not be sent")]
    Send(#[source] legacy::Error),
}

/// Posts notes to one URL. Redirects are not followed, proxies not asked.
#[derive(Clone)]
pub struct Client {
    url: CheckpointUrl,
    client: HttpsClient,
}

impl Client {
    /// A client that posts to `url`. By https it trusts the authorities that the system trusts,
    /// or those that `SSL_CERT_FILE` names.
    ///
    /// # Errors
    /// The system trusts no authority, and the URL needs one.
    pub fn new(url: CheckpointUrl) -> io::Result<Self> {
        let client = https::client(&url.0)?;
        Ok(Self { url, client })
    }

    /// Posts `note`; it is taken where the answer is 2xx.
    ///
    /// # Errors
    /// There is another answer, or none.
    pub(super) async fn post(&self, note: String) -> Result<(), PostError> {
        let mut request = Request::new(Full::new(Bytes::from(note)));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = self.url.0.clone();
        let note = http::HeaderValue::from_static(NOTE);
        request.headers_mut().insert(CONTENT_TYPE, note);
        let answer = self.client.request(request).await;
        let status = answer.map_err(PostError::Send)?.status();
        if status.is_success() {
            Ok(())
        } else {
            Err(PostError::Refused(status))
        }
    }
}
