//! Queries and mutations over POST.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::answer;
use crate::error::ClientError;
use crate::https::{self, Connector, HttpsClient};
use crate::url::ServerUrl;

/// How long one request may take, from connecting to the end of the answer.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The largest answer, in bytes. A server answers with at most 1 MiB.
pub(crate) const MAX_ANSWER: usize = 8 * 1024 * 1024;

/// How many characters of an answer that is not GraphQL go into an error.
const MAX_QUOTED: usize = 200;

/// How often a request is sent that gets no answer or is told to come back.
const ATTEMPTS: u32 = 4;

/// The pause before the second attempt; each further pause is twice as long.
const PAUSE: Duration = Duration::from_millis(200);

/// The longest pause that a server may ask for.
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// A client of one server. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    pub(crate) url: ServerUrl,
    graphql: Uri,
    pub(crate) connector: Connector,
    http: HttpsClient,
    attempts: u32,
}

impl Client {
    /// A client of the server at `url`.
    ///
    /// # Errors
    /// The URL needs a trusted authority, and the system has none.
    pub fn new(url: ServerUrl) -> Result<Self, ClientError> {
        let graphql = url.graphql();
        let connector = https::connector(&graphql).map_err(ClientError::Certificates)?;
        Ok(Self {
            url,
            graphql,
            http: https::client(connector.clone()),
            connector,
            attempts: ATTEMPTS,
        })
    }

    /// The same client, which sends every request once.
    #[must_use]
    pub fn without_retries(mut self) -> Self {
        self.attempts = 1;
        self
    }

    /// The data that `document` asks for. The request is sent again where that may help, so a
    /// mutation must carry an idempotency key: [`Client::send`] sees to it.
    ///
    /// # Errors
    /// There is no answer after some attempts, or it is an error.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        document: &str,
        variables: &Value,
    ) -> Result<T, ClientError> {
        let body = json!({ "query": document, "variables": variables }).to_string();
        let body = Bytes::from(body);
        let mut pause = PAUSE;
        for _ in 1..self.attempts {
            match self.ask_once(body.clone()).await {
                Err(error) if error.is_transient() => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "asking again");
                    let asked = error.retry_after().unwrap_or_default().min(MAX_PAUSE);
                    sleep(pause.max(asked)).await;
                    pause *= 2;
                }
                answered => return answered,
            }
        }
        self.ask_once(body).await
    }

    async fn ask_once<T: DeserializeOwned>(&self, body: Bytes) -> Result<T, ClientError> {
        let answer = self.post(body).await?;
        let read = answer::read(&answer).map_err(|source| ClientError::Unintelligible {
            url: self.url.to_string(),
            source,
        })?;
        Ok(read?)
    }

    /// The answer to one request as it came, sent once.
    ///
    /// # Errors
    /// There is no answer, or its status is not 200.
    pub async fn post(&self, body: Bytes) -> Result<Bytes, ClientError> {
        match timeout(TIMEOUT, self.posted(body)).await {
            Ok(answered) => answered,
            Err(_) => Err(ClientError::TimedOut {
                url: self.url.to_string(),
                after: TIMEOUT,
            }),
        }
    }

    async fn posted(&self, body: Bytes) -> Result<Bytes, ClientError> {
        let url = || self.url.to_string();
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.graphql.clone();
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(CONTENT_TYPE, json);
        let response = self.http.request(request).await.map_err(|error| {
            let (url, is_connect) = (url(), error.is_connect());
            let source = Box::new(error);
            if is_connect {
                ClientError::Unreachable { url, source }
            } else {
                ClientError::Broken { url, source }
            }
        })?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        let body = body.map_err(|source| {
            let (url, limit) = (url(), MAX_ANSWER);
            if source.is::<LengthLimitError>() {
                ClientError::TooLarge { url, limit }
            } else {
                ClientError::Broken { url, source }
            }
        })?;
        let body = body.to_bytes();
        if head.status == StatusCode::OK {
            return Ok(body);
        }
        Err(ClientError::Status {
            url: url(),
            status: head.status,
            text: problem(&body),
            retry_after: retry_after(&head.headers),
        })
    }
}

/// What an answer with another status says.
fn problem(body: &[u8]) -> String {
    let text = match answer::first_error(body) {
        Ok(Some(error)) => error.to_string(),
        _ => String::from_utf8_lossy(body).into_owned(),
    };
    text.chars().take(MAX_QUOTED).collect()
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests;
