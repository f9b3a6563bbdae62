//! Subscriptions over WebSocket, by the protocol `graphql-transport-ws`.

use std::time::Duration;

use futures_util::stream::{self, BoxStream};
use futures_util::{SinkExt, StreamExt};
use http::HeaderValue;
use http::header::SEC_WEBSOCKET_PROTOCOL;
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use tower_service::Service;

use crate::answer;
use crate::error::ClientError;
use crate::request::{Client, MAX_ANSWER};
use crate::url::ServerUrl;

const PROTOCOL: &str = "graphql-transport-ws";

/// How long it may take to connect and to be acknowledged.
const OPENING: Duration = Duration::from_secs(10);

/// How long a server may be silent before it is asked whether it is there, and then once more.
const SILENCE: Duration = Duration::from_secs(30);

/// The most bytes that wait to be sent; a client sends little.
const MAX_WAITING: usize = 1024 * 1024;

/// A socket has one subscription, under this id.
const ID: &str = "1";

type Stream = WebSocketStream<TokioIo<MaybeHttpsStream<TokioIo<TcpStream>>>>;

/// A message of the protocol.
#[derive(Deserialize)]
struct FromServer {
    #[serde(rename = "type")]
    kind: Kind,
    payload: Option<Box<RawValue>>,
}

#[derive(PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    ConnectionAck,
    Ping,
    Pong,
    Next,
    Error,
    Complete,
}

impl Client {
    /// Subscribes, on a socket of its own. Each item of the stream is a `data` object. The stream
    /// ends when the server completes the subscription, and after an error. Nothing is sent again:
    /// the caller subscribes again, after the position that it has seen.
    ///
    /// # Errors
    /// The server cannot be reached or refuses the socket.
    pub async fn subscribe(
        &self,
        document: &str,
        variables: &Value,
    ) -> Result<BoxStream<'static, Result<Value, ClientError>>, ClientError> {
        let payload = json!({ "query": document, "variables": variables });
        let socket = Socket::subscribed(self, payload).await?;
        let items = stream::unfold(Some(socket), async |socket| {
            let mut socket = socket?;
            match socket.next().await {
                Ok(Some(data)) => Some((Ok(data), Some(socket))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        });
        Ok(items.boxed())
    }
}

/// A WebSocket with one subscription.
struct Socket {
    url: ServerUrl,
    stream: Stream,
    silence: Duration,
}

impl Socket {
    async fn subscribed(client: &Client, payload: Value) -> Result<Self, ClientError> {
        let opened = timeout(OPENING, Self::open(client)).await;
        let mut socket = opened.map_err(|_| ClientError::TimedOut {
            url: client.url.to_string(),
            after: OPENING,
        })??;
        let subscribe = json!({ "type": "subscribe", "id": ID, "payload": payload });
        socket.send(&subscribe).await?;
        Ok(socket)
    }

    async fn open(client: &Client) -> Result<Self, ClientError> {
        let url = client.url.clone();
        let unreachable = |source| ClientError::Unreachable {
            url: url.to_string(),
            source,
        };
        let tcp = client.connector.clone().call(url.socket()).await;
        let tcp = TokioIo::new(tcp.map_err(unreachable)?);
        let request = url.web_socket().into_client_request();
        let mut request = request.map_err(|error| broken(&url, error))?;
        let protocol = HeaderValue::from_static(PROTOCOL);
        request
            .headers_mut()
            .insert(SEC_WEBSOCKET_PROTOCOL, protocol);
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_ANSWER))
            .max_frame_size(Some(MAX_ANSWER))
            .max_write_buffer_size(MAX_WAITING);
        let opened = client_async_with_config(request, tcp, Some(config)).await;
        let (stream, _) = opened.map_err(|error| broken(&url, error))?;
        let mut socket = Self {
            url,
            stream,
            silence: SILENCE,
        };
        socket.send(&json!({ "type": "connection_init" })).await?;
        loop {
            if socket.hear().await?.kind == Kind::ConnectionAck {
                return Ok(socket);
            }
        }
    }

    /// The next item; none at the end.
    async fn next(&mut self) -> Result<Option<Value>, ClientError> {
        loop {
            let message = self.hear().await?;
            let payload = message.payload.as_deref().map_or("null", RawValue::get);
            match message.kind {
                Kind::Next => {
                    let read = answer::read(payload.as_bytes());
                    return Ok(Some(read.map_err(|error| self.unintelligible(error))??));
                }
                Kind::Error => {
                    let error = answer::refusal(payload.as_bytes());
                    return Err(error.map_err(|error| self.unintelligible(error))?.into());
                }
                Kind::Complete => return Ok(None),
                Kind::ConnectionAck | Kind::Ping | Kind::Pong => {}
            }
        }
    }

    /// The next message of the protocol. A server that is silent for long is asked whether it is
    /// there, once.
    async fn hear(&mut self) -> Result<FromServer, ClientError> {
        let mut asked = false;
        loop {
            match timeout(self.silence, self.stream.next()).await {
                Ok(Some(frame)) => {
                    asked = false;
                    if let Some(message) = self.read(frame)? {
                        if message.kind == Kind::Ping {
                            self.send(&json!({ "type": "pong" })).await?;
                        }
                        return Ok(message);
                    }
                }
                Ok(None) => return Err(broken(&self.url, tungstenite::Error::ConnectionClosed)),
                Err(_) if asked => {
                    return Err(ClientError::TimedOut {
                        url: self.url.to_string(),
                        after: 2 * self.silence,
                    });
                }
                Err(_) => {
                    asked = true;
                    self.send(&json!({ "type": "ping" })).await?;
                }
            }
        }
    }

    /// The message in a frame; none in a frame that carries none.
    fn read(
        &self,
        frame: Result<Message, tungstenite::Error>,
    ) -> Result<Option<FromServer>, ClientError> {
        match frame.map_err(|error| broken(&self.url, error))? {
            Message::Text(text) => serde_json::from_str(&text)
                .map(Some)
                .map_err(|source| self.unintelligible(source)),
            Message::Close(frame) => {
                let (code, reason) = frame.map_or((1005, String::new()), |frame| {
                    (frame.code.into(), frame.reason.to_string())
                });
                Err(ClientError::Closed {
                    url: self.url.to_string(),
                    code,
                    reason,
                })
            }
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {
                Ok(None)
            }
        }
    }

    async fn send(&mut self, message: &Value) -> Result<(), ClientError> {
        let message = Message::Text(message.to_string().into());
        match timeout(self.silence, self.stream.send(message)).await {
            Ok(sent) => sent.map_err(|error| broken(&self.url, error)),
            Err(_) => Err(ClientError::TimedOut {
                url: self.url.to_string(),
                after: self.silence,
            }),
        }
    }

    fn unintelligible(&self, source: serde_json::Error) -> ClientError {
        ClientError::Unintelligible {
            url: self.url.to_string(),
            source,
        }
    }
}

fn broken(url: &ServerUrl, error: tungstenite::Error) -> ClientError {
    let url = url.to_string();
    match error {
        tungstenite::Error::Http(response) => ClientError::Status {
            url,
            status: response.status(),
            text: "the WebSocket was refused".to_owned(),
            retry_after: None,
        },
        tungstenite::Error::Capacity(CapacityError::MessageTooLong { max_size, .. }) => {
            ClientError::TooLarge {
                url,
                limit: max_size,
            }
        }
        error => ClientError::Broken {
            url,
            source: Box::new(error),
        },
    }
}

#[cfg(test)]
mod tests;
