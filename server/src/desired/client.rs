//! The GraphQL door of a server.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::uri::Scheme;
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_util::client::legacy;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use client::HttpsClient;

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The most bytes of an answer.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// How often a request that got no answer is sent. Mutations carry a key, so that what was done
/// unheard is not done again.
const MOST_TRIES: u32 = 4;

/// The pause before the second try; each further pause is twice as long.
const PAUSE: Duration = Duration::from_millis(200);

/// Where a server is: `http://…` or `https://…`, without user, password, query and path.
#[derive(Clone, Debug)]
pub(super) struct ServerUrl(Uri);

/// Why a text is no such URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a server is `http://HOST:PORT` or `https://HOST:PORT`, with no user and no path")]
pub(super) struct UrlError;

impl std::str::FromStr for ServerUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let url: Uri = text.parse().map_err(|_| UrlError)?;
        let known = [Some(&Scheme::HTTP), Some(&Scheme::HTTPS)].contains(&url.scheme());
        let bare = matches!(url.path(), "" | "/") && url.query().is_none();
        let authority = url.authority().filter(|_| known && bare);
        let authority = authority.ok_or(UrlError)?.as_str();
        if authority.contains('@') {
            return Err(UrlError);
        }
        let scheme = url.scheme_str().unwrap_or_default();
        let url = format!("{scheme}://{authority}/graphql");
        url.parse().map(Self).map_err(|_| UrlError)
    }
}

/// Why there is no answer to use.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    #[error("there can be no client for {0}")]
    Client(String, #[source] io::Error),
    #[error("{0} cannot be reached")]
    Send(String, #[source] legacy::Error),
    #[error("the answer of {0} broke off")]
    Broken(String, #[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("{0} gave no answer in time")]
    TimedOut(String),
    #[error("{0} gave an answer of more than {MOST_BYTES} bytes")]
    TooLarge(String),
    #[error("{url} answered {status}: {text}")]
    Status {
        url: String,
        status: StatusCode,
        text: String,
    },
    #[error("{0} answered what is no answer of eventflows")]
    Strange(String, #[source] serde_json::Error),
    #[error("the server failed: {message} ({code})")]
    Failed { message: String, code: String },
}

impl ClientError {
    /// Whether less would have been answered.
    pub(super) fn is_too_complex(&self) -> bool {
        matches!(self, Self::Failed { code, .. } if code == "TOO_COMPLEX")
    }

    /// Whether another try may go better.
    fn passes(&self) -> bool {
        match self {
            Self::Send(..) | Self::Broken(..) | Self::TimedOut(_) => true,
            Self::Status { status, .. } => matches!(status.as_u16(), 429 | 502..=504),
            Self::Failed { code, .. } => matches!(code.as_str(), "UNAVAILABLE" | "RATE_LIMITED"),
            Self::Client(..) | Self::TooLarge(_) | Self::Strange(..) => false,
        }
    }
}

/// A client of one server.
pub(super) struct Client {
    url: Uri,
    client: HttpsClient,
}

#[derive(Deserialize)]
struct Answer<T> {
    data: Option<T>,
    #[serde(default)]
    errors: Vec<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    message: String,
    #[serde(default)]
    extensions: Extensions,
}

#[derive(Default, Deserialize)]
struct Extensions {
    #[serde(default)]
    code: String,
}

impl Client {
    /// A client of the server at `url`.
    ///
    /// # Errors
    /// The system trusts no authority, and the URL needs one.
    pub(super) fn new(url: &ServerUrl) -> Result<Self, ClientError> {
        let url = url.0.clone();
        match client::https(&url) {
            Ok(client) => Ok(Self { url, client }),
            Err(error) => Err(ClientError::Client(url.to_string(), error)),
        }
    }

    /// The data that `document` asks for.
    ///
    /// # Errors
    /// There is no answer after some tries, or it is another one.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        document: &str,
        variables: &Value,
    ) -> Result<T, ClientError> {
        let body = json!({ "query": document, "variables": variables }).to_string();
        let body = Bytes::from(body);
        let mut pause = PAUSE;
        for _ in 1..MOST_TRIES {
            match self.ask_once(body.clone()).await {
                Err(error) if error.passes() => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "asking again");
                    sleep(pause).await;
                    pause *= 2;
                }
                done => return done,
            }
        }
        self.ask_once(body).await
    }

    async fn ask_once<T: DeserializeOwned>(&self, body: Bytes) -> Result<T, ClientError> {
        let answered = timeout(PATIENCE, self.post(body)).await;
        let answer = answered.map_err(|_| ClientError::TimedOut(self.url.to_string()))??;
        let strange = |error| ClientError::Strange(self.url.to_string(), error);
        // The data of a failed answer has holes: the errors are read without it.
        let faults: Answer<serde::de::IgnoredAny> =
            serde_json::from_slice(&answer).map_err(strange)?;
        if let Some(fault) = faults.errors.into_iter().next() {
            return Err(ClientError::Failed {
                message: fault.message,
                code: fault.extensions.code,
            });
        }
        let answer: Answer<T> = serde_json::from_slice(&answer).map_err(strange)?;
        answer
            .data
            .ok_or_else(|| strange(serde::de::Error::missing_field("data")))
    }

    async fn post(&self, body: Bytes) -> Result<Bytes, ClientError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.clone();
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(CONTENT_TYPE, json);
        let response = self.client.request(request).await;
        let response = response.map_err(|error| ClientError::Send(self.url.to_string(), error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MOST_BYTES)
            .collect()
            .await;
        let body = body.map_err(|error| {
            if error.is::<LengthLimitError>() {
                ClientError::TooLarge(self.url.to_string())
            } else {
                ClientError::Broken(self.url.to_string(), error)
            }
        })?;
        let body = body.to_bytes();
        if status == StatusCode::OK {
            return Ok(body);
        }
        let text = String::from_utf8_lossy(&body);
        Err(ClientError::Status {
            url: self.url.to_string(),
            status,
            text: text.chars().take(200).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_by_scheme_and_authority() {
        for (text, url) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/graphql"),
            ("https://flows.example/", "https://flows.example/graphql"),
        ] {
            assert_eq!(text.parse::<ServerUrl>().unwrap().0.to_string(), url);
        }
        for text in [
            "",
            "127.0.0.1:8080",
            "ftp://host",
            "http://ann:secret@host",
            "http://host/graphql",
            "http://host/?a=b",
        ] {
            assert!(text.parse::<ServerUrl>().is_err(), "{text}");
        }
    }
}
