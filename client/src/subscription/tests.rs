//! A client and a server that speaks the protocol, well or badly.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::*;

/// A server that accepts one subscription, sends these frames, and hands back what it hears until
/// the client leaves.
async fn server(frames: Vec<Message>) -> (Client, JoinHandle<Vec<Value>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let mut socket = accept_hdr_async(tcp, protocol).await.unwrap();
        let mut heard = Vec::new();
        while heard.len() < 2 {
            heard.push(message(socket.next().await.unwrap().unwrap()));
            if heard.len() == 1 {
                let ack = json!({ "type": "connection_ack" });
                socket.send(text(&ack)).await.unwrap();
            }
        }
        for frame in frames {
            // The client may have left after the frame before.
            if socket.send(frame).await.is_err() {
                break;
            }
        }
        while let Some(Ok(frame)) = socket.next().await {
            if frame.is_text() {
                heard.push(message(frame));
            }
        }
        heard
    });
    (Client::new(url.parse().unwrap()).unwrap(), serving)
}

#[expect(clippy::result_large_err, reason = "the signature is the library's")]
fn protocol(request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    let offered = &request.headers()[SEC_WEBSOCKET_PROTOCOL];
    assert_eq!(offered, PROTOCOL);
    assert_eq!(request.uri().path(), "/graphql/ws");
    let headers = response.headers_mut();
    headers.insert(SEC_WEBSOCKET_PROTOCOL, offered.clone());
    Ok(response)
}

fn text(message: &Value) -> Message {
    Message::Text(message.to_string().into())
}

fn message(frame: Message) -> Value {
    serde_json::from_str(frame.to_text().unwrap()).unwrap()
}

fn item(data: u8) -> Message {
    text(&json!({ "type": "next", "id": "1", "payload": { "data": data } }))
}

async fn follow(
    client: &Client,
) -> Result<BoxStream<'static, Result<Value, ClientError>>, ClientError> {
    let variables = json!({ "after": "7" });
    client.subscribe("subscription { it }", &variables).await
}

async fn followed(frames: Vec<Message>) -> (Vec<Result<Value, ClientError>>, Vec<Value>) {
    let (client, server) = server(frames).await;
    let items = follow(&client).await.unwrap().collect().await;
    (items, server.await.unwrap())
}

#[tokio::test]
async fn a_subscription_is_followed_to_its_end() {
    let complete = text(&json!({ "type": "complete", "id": "1" }));
    let ping = text(&json!({ "type": "ping" }));
    let frames = vec![item(1), ping, Message::Ping("".into()), item(2), complete];
    let (items, heard) = followed(frames).await;
    let items: Vec<_> = items.into_iter().map(Result::unwrap).collect();
    assert_eq!(items, [1, 2]);
    assert_eq!(
        heard,
        [
            json!({ "type": "connection_init" }),
            json!({ "type": "subscribe", "id": "1", "payload": {
                "query": "subscription { it }", "variables": { "after": "7" } } }),
            json!({ "type": "pong" }),
        ]
    );
}

#[tokio::test]
async fn an_error_ends_a_subscription() {
    let refused = json!([{ "message": "no", "extensions": { "code": "POSITION_TOO_OLD" } }]);
    let close = CloseFrame {
        code: 1013.into(),
        reason: "Try again later".into(),
    };
    for (frame, error) in [
        (
            text(&json!({ "type": "error", "id": "1", "payload": refused })),
            "no (POSITION_TOO_OLD)",
        ),
        (
            text(
                &json!({ "type": "next", "id": "1", "payload": { "data": null, "errors": refused } }),
            ),
            "no (POSITION_TOO_OLD)",
        ),
        (
            text(&json!({ "type": "error", "id": "1", "payload": [] })),
            "did not answer like an eventflows server",
        ),
        (
            text(&json!({ "type": "data" })),
            "did not answer like an eventflows server",
        ),
        (
            Message::Close(Some(close)),
            "closed the WebSocket with 1013: Try again later",
        ),
    ] {
        let (items, _) = followed(vec![item(1), frame, item(2)]).await;
        assert_eq!(items.len(), 2, "{items:?}");
        let said = items[1].as_ref().unwrap_err().to_string();
        assert!(said.ends_with(error), "{said}");
    }
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused() {
    let large = text(&json!({ "type": "next", "payload": "x".repeat(MAX_ANSWER) }));
    let (client, _server) = server(vec![large]).await;
    let first = follow(&client).await.unwrap().next().await;
    assert!(
        matches!(first, Some(Err(ClientError::TooLarge { .. }))),
        "{first:?}"
    );
}

#[tokio::test]
async fn a_server_that_is_silent_is_asked_once_and_given_up() {
    let (client, server) = server(vec![item(1)]).await;
    let payload = json!({ "query": "subscription { it }", "variables": { "after": "7" } });
    let mut socket = Socket::subscribed(&client, payload).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), 1);
    socket.silence = Duration::from_millis(1);
    let given_up = socket.next().await;
    assert!(
        matches!(given_up, Err(ClientError::TimedOut { .. })),
        "{given_up:?}"
    );
    drop(socket);
    let heard = server.await.unwrap();
    assert_eq!(heard[2..], [json!({ "type": "ping" })]);
}

#[tokio::test]
async fn a_refused_socket_is_told_apart_from_an_absent_server() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let client = Client::new(url.parse().unwrap()).unwrap();
    let refusing = tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        let refusal = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
        tcp.write_all(refusal).await.unwrap();
        // Not closed before the request has come.
        while tcp.read_u8().await.is_ok() {}
    });
    let error = follow(&client).await.err().unwrap().to_string();
    assert!(error.contains("answered 503"), "{error}");
    refusing.await.unwrap();
    let error = follow(&client).await.err();
    assert!(
        matches!(error, Some(ClientError::Unreachable { .. })),
        "{error:?}"
    );
}
