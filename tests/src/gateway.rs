//! A client of the run gateway that sends whatever it is told to.

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// A client of one gateway.
#[derive(Clone)]
pub struct Gateway {
    url: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// What was answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The status, and the type of the error.
    #[must_use]
    pub fn error(&self) -> (u16, String) {
        let error = &self.json()["error"];
        assert_ne!(error["message"].as_str().unwrap(), "");
        let kind = error["error_type"].as_str().unwrap_or_default();
        (self.status, kind.to_owned())
    }

    /// A header as text; empty where it is absent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }
}

impl Gateway {
    /// The gateway at `authority`, `host:port`.
    #[must_use]
    pub fn new(authority: &str) -> Self {
        Self {
            url: format!("http://{authority}"),
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Calls `path` below `/v1/algo/` with a body of that content type.
    pub async fn call(&self, path: &str, content_type: &str, body: impl Into<Bytes>) -> Answer {
        let headers = [("content-type", content_type)];
        self.send(Method::POST, path, &headers, body).await
    }

    /// Sends a request below `/v1/algo/`.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        self.send_if_any(method, path, headers, body).await.unwrap()
    }

    /// As [`Self::send`]; nothing where the server ended before it gave an answer.
    pub async fn send_if_any(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Option<Answer> {
        let uri = format!("{}/v1/algo/{path}", self.url);
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).unwrap();
        let response = self.client.request(request).await.ok()?;
        let (head, body) = response.into_parts();
        Some(Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.collect().await.ok()?.to_bytes(),
        })
    }
}
