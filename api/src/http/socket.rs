//! GraphQL subscriptions over WebSocket: the `graphql-transport-ws` protocol and no other.
//!
//! Own, because the library's handler has no deadline for the init message, no bound on the
//! streams of a socket, and the wrong close codes.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use futures_util::stream::{BoxStream, SelectAll};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, interval_at};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::frequency::Frequency;
use super::{Site, origin, principal};
use crate::control::Principal;
use crate::limits;

const PROTOCOL: &str = "graphql-transport-ws";

/// How long a client may take to send its first message.
const INIT_DEADLINE: Duration = Duration::from_secs(5);

/// How long the socket may be silent before we ask whether the client is there.
const PING_EVERY: Duration = Duration::from_secs(20);

/// The most subscriptions of one socket.
const MOST_STREAMS: usize = 50;

/// The largest message of a client, in bytes.
const LARGEST_MESSAGE: usize = 64 * 1024;

/// The most frames of a client in a minute, and at once. Enough to subscribe to all that a socket
/// may have, and to take it all back.
const MOST_FRAMES: u32 = 100;

/// How long a client may take to take a message from us.
const SEND_DEADLINE: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum FromClient {
    ConnectionInit {},
    Ping {},
    Pong {},
    Subscribe {
        id: String,
        payload: Box<async_graphql::Request>,
    },
    Complete {
        id: String,
    },
}

/// Why the socket is closed: the protocol's codes.
struct Close(u16, &'static str);

/// An answer on its way to the client; none at the end of a stream.
struct Answer {
    id: String,
    /// Of the stream: ids are used again.
    number: u64,
    response: Option<async_graphql::Response>,
}

/// A stream that the client wants to hear of.
struct Open {
    number: u64,
    /// Ends it.
    _guard: DropGuard,
}

pub(super) async fn upgrade(
    State(site): State<Site>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !origin::is_ours(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let Ok(place) = Arc::clone(&site.places.sockets).try_acquire_owned() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let principal = principal::of(&site, client);
    upgrade
        .protocols([PROTOCOL])
        .max_message_size(LARGEST_MESSAGE)
        // Else a frame of 16 MiB is read to its end before it is refused.
        .max_frame_size(LARGEST_MESSAGE)
        .on_upgrade(async move |socket| {
            let session = Session {
                site,
                principal,
                socket,
                streams: SelectAll::new(),
                open: HashMap::new(),
                opened: 0,
                frames: Frequency::new(MOST_FRAMES, Instant::now()),
                _place: place,
            };
            session.run().await;
        })
}

struct Session {
    site: Site,
    principal: Principal,
    socket: WebSocket,
    streams: SelectAll<BoxStream<'static, Answer>>,
    /// The streams that the client wants to hear of.
    open: HashMap<String, Open>,
    /// How many there were so far.
    opened: u64,
    frames: Frequency,
    /// Given back when the session ends.
    _place: OwnedSemaphorePermit,
}

impl Session {
    async fn run(mut self) {
        let ended = match self.init().await {
            Ok(()) => self.serve().await,
            Err(close) => Err(close),
        };
        if let Err(Close(code, reason)) = ended {
            let frame = CloseFrame {
                code,
                reason: reason.into(),
            };
            // The client may be gone already; there is nobody left to tell.
            let _gone = self.send(Message::Close(Some(frame))).await;
        }
    }

    async fn init(&mut self) -> Result<(), Close> {
        let deadline = tokio::time::sleep(INIT_DEADLINE);
        tokio::pin!(deadline);
        loop {
            let message = tokio::select! {
                () = &mut deadline => return Err(Close(4408, "Connection initialisation timeout")),
                message = self.socket.recv() => message,
            };
            match self.read(message)? {
                None => {}
                Some(FromClient::ConnectionInit {}) => break,
                Some(FromClient::Ping {}) => self.tell(json!({ "type": "pong" })).await?,
                Some(FromClient::Pong {} | FromClient::Complete { .. }) => {}
                Some(FromClient::Subscribe { .. }) => return Err(Close(4401, "Unauthorized")),
            }
        }
        self.tell(json!({ "type": "connection_ack" })).await
    }

    async fn serve(&mut self) -> Result<(), Close> {
        let shutdown = self.site.settings.shutdown.clone();
        let mut ping = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        let mut heard = true;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return Err(Close(1001, "Going away")),
                message = self.socket.recv() => {
                    heard = true;
                    if let Some(message) = self.read(message)? {
                        self.take(message).await?;
                    }
                }
                Some(answer) = self.streams.next() => self.answer(answer).await?,
                _ = ping.tick() => {
                    if !heard {
                        return Err(Close(1001, "The client went silent"));
                    }
                    heard = false;
                    self.send(Message::Ping(Vec::new().into())).await?;
                }
            }
        }
    }

    /// The protocol's message in a frame; none for frames that carry none.
    fn read(
        &mut self,
        message: Option<Result<Message, axum::Error>>,
    ) -> Result<Option<FromClient>, Close> {
        if !self.frames.take(Instant::now()) {
            return Err(Close(4429, "Too many messages"));
        }
        match message {
            Some(Ok(Message::Text(text))) => serde_json::from_str(text.as_str())
                .map(Some)
                .map_err(|_| Close(4400, "Invalid message")),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
            Some(Ok(Message::Binary(_))) => Err(Close(4400, "Invalid message")),
            Some(Ok(Message::Close(_))) | None => Err(Close(1000, "Closed")),
            // A frame that is too large, or none at all; or the client is gone and reads no code.
            Some(Err(_)) => Err(Close(1009, "Message too big")),
        }
    }

    async fn take(&mut self, message: FromClient) -> Result<(), Close> {
        match message {
            FromClient::ConnectionInit {} => Err(Close(4429, "Too many initialisation requests")),
            FromClient::Ping {} => self.tell(json!({ "type": "pong" })).await,
            FromClient::Pong {} => Ok(()),
            FromClient::Complete { id } => {
                // Dropping the token's guard ends the stream.
                self.open.remove(&id);
                Ok(())
            }
            FromClient::Subscribe { id, payload } => self.subscribe(id, *payload).await,
        }
    }

    async fn subscribe(
        &mut self,
        id: String,
        request: async_graphql::Request,
    ) -> Result<(), Close> {
        if self.open.contains_key(&id) {
            return Err(Close(4409, "Subscriber for this id already exists"));
        }
        if self.open.len() >= MOST_STREAMS {
            return Err(Close(4429, "Too many subscriptions"));
        }
        let stream = match self.site.schema.subscribe(request, self.principal.clone()) {
            Ok(stream) => stream,
            Err(refusal) => {
                let error = json!({ "type": "error", "id": id, "payload": refusal.errors });
                return self.tell(error).await;
            }
        };
        self.opened += 1;
        let number = self.opened;
        let answer = {
            let id = id.clone();
            move |response| Answer {
                id: id.clone(),
                number,
                response,
            }
        };
        let end = answer(None);
        let ended = CancellationToken::new();
        let answers = stream
            .map(move |response| answer(Some(response)))
            .take_until(ended.clone().cancelled_owned());
        let end = futures_util::stream::once(async move { end });
        self.streams.push(answers.chain(end).boxed());
        let guard = ended.drop_guard();
        self.open.insert(
            id,
            Open {
                number,
                _guard: guard,
            },
        );
        Ok(())
    }

    async fn answer(&mut self, answer: Answer) -> Result<(), Close> {
        let Answer {
            id,
            number,
            response,
        } = answer;
        if self.open.get(&id).is_none_or(|open| open.number != number) {
            return Ok(());
        }
        let Some(response) = response else {
            self.open.remove(&id);
            return self.tell(json!({ "type": "complete", "id": id })).await;
        };
        let payload = String::from_utf8_lossy(&limits::bytes(&response)).into_owned();
        let id = Value::String(id);
        let message = format!(r#"{{"type":"next","id":{id},"payload":{payload}}}"#);
        self.send(Message::Text(message.into())).await
    }

    async fn tell(&mut self, message: Value) -> Result<(), Close> {
        self.send(Message::Text(message.to_string().into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Close> {
        match tokio::time::timeout(SEND_DEADLINE, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Close(1000, "Closed")),
            Err(_) => Err(Close(1008, "The client does not read")),
        }
    }
}
