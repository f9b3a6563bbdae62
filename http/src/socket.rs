//! GraphQL subscriptions over WebSocket: the `graphql-transport-ws` protocol and no other.
//!
//! Why it is not async-graphql-axum's: `docs/adr/0030-the-socket-is-our-own.md`. The codes 44xx are
//! the protocol's, for faults of the client alone: the standard client gives up for good at most of
//! them. Whatever a correct client can meet is an `error` for one id, or a code at which it connects
//! again.

mod message;

use std::collections::HashMap;
use std::iter::once;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use api::{Item, Principal, limits};
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, State};
use axum::http::header::SEC_WEBSOCKET_PROTOCOL;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use futures_util::stream::{BoxStream, SelectAll};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, interval_at, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::message::{Budget, FromClient, LONGEST_FRAME, LONGEST_MESSAGE};
use super::error::errors;
use super::{Site, principal};

const PROTOCOL: &str = "graphql-transport-ws";

/// How long a client may take to send its first message.
const INIT_DEADLINE: Duration = Duration::from_secs(5);

/// How long the socket may be silent before we ask whether the client is there.
const PING_EVERY: Duration = Duration::from_secs(20);

/// The most subscriptions of one socket.
const MOST_STREAMS: usize = 50;

/// How long a client may take to take a message from us.
const SEND_DEADLINE: Duration = Duration::from_secs(30);

/// How long a client may take to answer the closing frame, and how many frames it may send before.
const CLOSE_DEADLINE: Duration = Duration::from_secs(5);
const MOST_LATE_FRAMES: usize = 1_000;

/// Why the socket is closed.
#[derive(Clone, Copy)]
struct Close(u16, &'static str);

impl Close {
    /// By the client, or its connection was lost.
    const DONE: Self = Self(1000, "Closed");
    const STOPPING: Self = Self(1001, "The server is stopping");
    const SILENT: Self = Self(1001, "The client is silent");
    /// What the socket cannot even receive: no client sends it by mistake.
    const UNREADABLE: Self = Self(1009, "Message too long, or not readable");
    const FLOOD: Self = Self(1013, "Too many messages; try again later");
    const SLOW: Self = Self(1013, "The client does not read; try again later");
    const INVALID: Self = Self(4400, "Invalid message");
    const UNAUTHORIZED: Self = Self(4401, "Unauthorized");
    const PROTOCOL: Self = Self(
        4406,
        "Subprotocol not acceptable: this server speaks graphql-transport-ws",
    );
    const INIT_TIMEOUT: Self = Self(4408, "Connection initialisation timeout");
    const DUPLICATE: Self = Self(4409, "Subscriber for this id already exists");
    const SECOND_INIT: Self = Self(4429, "Too many initialisation requests");
}

/// An answer on its way to the client; none at the end of a stream.
struct Answer {
    id: String,
    /// Of the stream: ids are used again.
    number: u64,
    item: Option<Item>,
}

/// An answer in the protocol's form.
#[derive(Serialize)]
struct Next<'a> {
    r#type: &'static str,
    id: &'a str,
    payload: &'a async_graphql::Response,
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
    let Ok(place) = Arc::clone(&site.places.sockets).try_acquire_owned() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let principal = principal::of(&site, client);
    let upgrade = upgrade.protocols(once(PROTOCOL.to_owned()).chain(offered(&headers)));
    let is_ours = upgrade
        .selected_protocol()
        .is_some_and(|protocol| protocol == PROTOCOL);
    upgrade
        .max_message_size(LONGEST_FRAME)
        // Else a frame of 16 MiB is read to its end before it is refused.
        .max_frame_size(LONGEST_FRAME)
        .on_upgrade(async move |socket| {
            let session = Session {
                site,
                principal,
                socket,
                streams: SelectAll::new(),
                open: HashMap::new(),
                opened: 0,
                budget: Budget::new(Instant::now()),
                _place: place,
            };
            session.run(is_ours).await;
        })
}

/// The protocols that a client offers. One of them is selected even if it is not ours: clients fail
/// a handshake that selects none, and would not be told why.
fn offered(headers: &HeaderMap) -> impl Iterator<Item = String> {
    let lists = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    let lists = lists.filter_map(|list| list.to_str().ok());
    let protocols = lists.flat_map(|list| list.split(','));
    protocols.map(|protocol| protocol.trim().to_owned())
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
    budget: Budget,
    /// Given back when the session ends.
    _place: OwnedSemaphorePermit,
}

impl Session {
    /// Serves the socket to its end. The handshake of a client that speaks another protocol
    /// succeeds, so that it hears why it is closed: browsers show nothing of a failed one.
    async fn run(mut self, is_ours: bool) {
        let shutdown = self.site.settings.shutdown.clone();
        let ended = if is_ours {
            tokio::select! {
                ended = self.serve() => ended,
                // Whatever it waits for: a client that does not read keeps nobody from stopping.
                () = shutdown.cancelled() => Err(Close::STOPPING),
            }
        } else {
            Err(Close::PROTOCOL)
        };
        if let Err(close) = ended {
            self.close(close).await;
        }
    }

    /// Tells the client why the socket is closed, and waits for its answer. What it sends until
    /// then is read: a connection that is closed on unread bytes is reset, and the client would
    /// not see the code.
    async fn close(mut self, Close(code, reason): Close) {
        self.streams.clear();
        let frame = CloseFrame {
            code,
            reason: reason.into(),
        };
        let closing = async {
            // An error here, as below, means that the client has disconnected.
            if self.socket.send(Message::Close(Some(frame))).await.is_err() {
                return;
            }
            for _ in 0..MOST_LATE_FRAMES {
                match self.socket.recv().await {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                    Some(Ok(_)) => {}
                }
            }
        };
        if timeout(CLOSE_DEADLINE, closing).await.is_err() {
            tracing::debug!(
                code,
                reason,
                "a client did not answer the closing of its socket"
            );
        }
    }

    async fn serve(&mut self) -> Result<(), Close> {
        self.init().await?;
        let mut ping = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        let mut heard = true;
        loop {
            tokio::select! {
                frame = self.socket.recv() => {
                    heard = true;
                    if let Some(message) = self.read(frame)? {
                        self.take(message).await?;
                    }
                }
                Some(answer) = self.streams.next() => self.answer(answer).await?,
                _ = ping.tick() => {
                    if !heard {
                        return Err(Close::SILENT);
                    }
                    heard = false;
                    self.budget.expect();
                    self.send(Message::Ping(Vec::new().into())).await?;
                }
            }
        }
    }

    async fn init(&mut self) -> Result<(), Close> {
        let deadline = tokio::time::sleep(INIT_DEADLINE);
        tokio::pin!(deadline);
        loop {
            let frame = tokio::select! {
                () = &mut deadline => return Err(Close::INIT_TIMEOUT),
                frame = self.socket.recv() => frame,
            };
            match self.read(frame)? {
                Some(FromClient::Init) => break,
                Some(FromClient::Ping) => self.tell(json!({ "type": "pong" })).await?,
                None | Some(FromClient::Pong | FromClient::Complete { .. }) => {}
                Some(FromClient::Subscribe { .. } | FromClient::TooLong { .. }) => {
                    return Err(Close::UNAUTHORIZED);
                }
            }
        }
        self.tell(json!({ "type": "connection_ack" })).await
    }

    /// The protocol's message in a frame; none for frames that carry none.
    fn read(
        &mut self,
        frame: Option<Result<Message, axum::Error>>,
    ) -> Result<Option<FromClient>, Close> {
        let (message, expected) = match frame {
            Some(Ok(Message::Text(text))) => {
                let message = FromClient::parse(&text).ok_or(Close::INVALID)?;
                let expected = matches!(message, FromClient::Complete { .. });
                (Some(message), expected)
            }
            Some(Ok(Message::Pong(_))) => (None, true),
            Some(Ok(Message::Ping(_))) => (None, false),
            Some(Ok(Message::Binary(_))) => return Err(Close::INVALID),
            Some(Ok(Message::Close(_))) | None => return Err(Close::DONE),
            // Or the client has disconnected, and reads no code.
            Some(Err(_)) => return Err(Close::UNREADABLE),
        };
        if self.budget.take(expected, Instant::now()) {
            Ok(message)
        } else {
            Err(Close::FLOOD)
        }
    }

    async fn take(&mut self, message: FromClient) -> Result<(), Close> {
        match message {
            FromClient::Init => Err(Close::SECOND_INIT),
            FromClient::Ping => self.tell(json!({ "type": "pong" })).await,
            FromClient::Pong => Ok(()),
            FromClient::Complete { id } => {
                // Dropping the token's guard ends the stream.
                self.open.remove(&id);
                Ok(())
            }
            FromClient::Subscribe { id, request } => self.subscribe(id, *request).await,
            FromClient::TooLong { id } => {
                let why = format!("the message is longer than {LONGEST_MESSAGE} bytes");
                self.refuse(&id, errors("TOO_COMPLEX", &why)).await
            }
        }
    }

    async fn subscribe(
        &mut self,
        id: String,
        request: async_graphql::Request,
    ) -> Result<(), Close> {
        if self.open.contains_key(&id) {
            return Err(Close::DUPLICATE);
        }
        if self.open.len() >= MOST_STREAMS {
            let why = format!("a socket has at most {MOST_STREAMS} subscriptions at once");
            return self.refuse(&id, errors("TOO_COMPLEX", &why)).await;
        }
        self.budget.expect();
        self.opened += 1;
        let number = self.opened;
        let answer = {
            let id = id.clone();
            move |item| Answer {
                id: id.clone(),
                number,
                item,
            }
        };
        let end = answer(None);
        let ended = CancellationToken::new();
        let items = self.site.schema.subscribe(request, self.principal.clone());
        let answers = items
            .map(move |item| answer(Some(item)))
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
        let Answer { id, number, item } = answer;
        if self.open.get(&id).is_none_or(|open| open.number != number) {
            return Ok(());
        }
        match item {
            Some(Item::Next(response)) => {
                let next = Next {
                    r#type: "next",
                    id: &id,
                    payload: &limits::within_size(response),
                };
                let message = serde_json::to_string(&next).expect("an answer is always JSON");
                self.send(Message::Text(message.into())).await
            }
            Some(Item::Refused(response)) => {
                self.open.remove(&id);
                self.refuse(&id, json!(response.errors)).await
            }
            None => {
                self.open.remove(&id);
                self.tell(json!({ "type": "complete", "id": id })).await
            }
        }
    }

    /// There is no such subscription; its id is free.
    async fn refuse(&mut self, id: &str, errors: Value) -> Result<(), Close> {
        self.tell(json!({ "type": "error", "id": id, "payload": errors }))
            .await
    }

    async fn tell(&mut self, message: Value) -> Result<(), Close> {
        self.send(Message::Text(message.to_string().into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Close> {
        match timeout(SEND_DEADLINE, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Close::DONE),
            Err(_) => Err(Close::SLOW),
        }
    }
}
