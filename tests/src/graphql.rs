//! A GraphQL client: the API's own for requests and subscriptions, and bare HTTP and WebSocket for
//! what no client would send.

use std::time::Duration;

use bytes::Bytes;
use client::{Client, ClientError};
use futures_util::stream::BoxStream;
use futures_util::{SinkExt, StreamExt};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::codes;

/// How long the server may be silent.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client of one API.
#[derive(Clone)]
pub struct GraphQl {
    url: String,
    client: Client,
    http: legacy::Client<HttpConnector, Full<Bytes>>,
}

impl GraphQl {
    /// A client of the API at `url`.
    #[must_use]
    pub fn new(url: &str) -> Self {
        let server = url.strip_suffix("/graphql").unwrap().parse().unwrap();
        Self {
            url: url.to_owned(),
            // What a repeated request would hide is what tests look for.
            client: Client::new(server).unwrap().without_retries(),
            http: legacy::Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// The data of an answer.
    ///
    /// # Panics
    /// The answer has errors.
    pub async fn ask(&self, document: &str, variables: Value) -> Value {
        let answer = self.client.ask(document, &variables).await;
        let data = answer.unwrap_or_else(|error| panic!("{document}: {error}"));
        codes::check(document, &data);
        data
    }

    /// The whole answer.
    pub async fn answer(&self, document: &str, variables: Value) -> Value {
        self.try_answer(document, variables).await.unwrap()
    }

    /// The whole answer; nothing where the server ended before it gave one.
    pub async fn answer_if_any(&self, document: &str, variables: Value) -> Option<Value> {
        match self.try_answer(document, variables).await {
            Ok(answer) => Some(answer),
            Err(ClientError::Unreachable { .. } | ClientError::Broken { .. }) => None,
            Err(error) => panic!("{document}: {error}"),
        }
    }

    async fn try_answer(&self, document: &str, variables: Value) -> Result<Value, ClientError> {
        let body = json!({ "query": document, "variables": variables }).to_string();
        let answer = self.client.post(body.into()).await?;
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        codes::check(document, &answer["data"]);
        Ok(answer)
    }

    /// A mutation's payload: the mutation is the document's only field, aliased `it`.
    ///
    /// # Panics
    /// It has user errors.
    pub async fn done(&self, document: &str, variables: Value) -> Value {
        let payload = self.ask(document, variables).await["it"].clone();
        assert_eq!(payload["userErrors"], json!([]), "{document}");
        payload
    }

    /// The code of the only user error of a mutation aliased `it`.
    pub async fn refused(&self, document: &str, variables: Value) -> String {
        let payload = self.ask(document, variables).await["it"].clone();
        let errors = payload["userErrors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{document}: {payload:#}");
        errors[0]["code"].as_str().unwrap().to_owned()
    }

    /// The status and the text that a POST with more or other headers is answered with.
    pub async fn post(
        &self,
        body: String,
        headers: &[(&'static str, &str)],
    ) -> (StatusCode, String) {
        let mut request = Request::post(&self.url)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .unwrap();
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).unwrap();
            request.headers_mut().insert(*name, value);
        }
        let response = self.http.request(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    /// The status and the text of `path` beside the API.
    pub async fn get(&self, path: &str) -> (StatusCode, String) {
        let url = self.url.replace("/graphql", path);
        let response = self.http.get(url.parse().unwrap()).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    /// Follows a subscription.
    pub async fn subscribe(&self, document: &str, variables: Value) -> Subscription {
        Subscription(self.client.subscribe(document, &variables).await.unwrap())
    }

    /// A bare socket, or the status of the refusal.
    ///
    /// # Errors
    /// The server answers the upgrade with that status.
    pub async fn socket(&self, headers: &[(&'static str, &str)]) -> Result<Socket, u16> {
        let url = self.url.replace("http://", "ws://") + "/ws";
        let mut request = url.into_client_request().unwrap();
        let protocol = HeaderValue::from_static("graphql-transport-ws");
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).unwrap();
            request.headers_mut().insert(*name, value);
        }
        match tokio_tungstenite::connect_async(request).await {
            Ok((stream, _)) => Ok(Socket(stream)),
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => {
                Err(response.status().as_u16())
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// A subscription that is followed.
pub struct Subscription(BoxStream<'static, Result<Value, ClientError>>);

impl Subscription {
    /// The data of the next item.
    pub async fn next(&mut self) -> Value {
        let item = timeout(PATIENCE, self.0.next()).await;
        item.expect("an item in time").expect("an item").unwrap()
    }

    /// The error that the subscription is answered with.
    pub async fn error(&mut self) -> String {
        let item = timeout(PATIENCE, self.0.next()).await;
        let item = item.expect("an item in time").expect("an item");
        item.expect_err("an error").to_string()
    }
}

/// A WebSocket that speaks `graphql-transport-ws`.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Sends a message of the protocol.
    pub async fn tell(&mut self, message: Value) {
        let text = Message::Text(message.to_string().into());
        self.0.send(text).await.unwrap();
    }

    /// The next message of the protocol.
    ///
    /// # Panics
    /// The server closes, or sends nothing but pings.
    pub async fn hear(&mut self) -> Value {
        self.patiently(|frame| match frame {
            Message::Text(text) => Some(serde_json::from_str(&text).unwrap()),
            Message::Close(frame) => panic!("closed: {frame:?}"),
            _ => None,
        })
        .await
    }

    /// The code that the server closes with, whatever it says before.
    ///
    /// # Panics
    /// It does not close.
    pub async fn closed(&mut self) -> u16 {
        self.patiently(|frame| match frame {
            Message::Close(frame) => Some(frame.unwrap().code.into()),
            _ => None,
        })
        .await
    }

    /// What is wanted of the frames: pings alone keep nobody waiting.
    async fn patiently<T>(&mut self, wanted: fn(Message) -> Option<T>) -> T {
        let found = async {
            loop {
                if let Some(found) = wanted(self.frame().await) {
                    return found;
                }
            }
        };
        timeout(PATIENCE, found).await.expect("a frame in time")
    }

    async fn frame(&mut self) -> Message {
        self.0.next().await.unwrap().unwrap()
    }
}
