//! The WebSocket speaks `graphql-transport-ws`, and nothing else.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::Eventflows;
use tests::graphql::Socket;
use tests::raw;
use tokio::io::AsyncReadExt;

fn subscribe(id: &str, query: &str) -> Value {
    json!({ "type": "subscribe", "id": id, "payload": { "query": query } })
}

const EVENTS: &str = "subscription { events { type } }";

#[tokio::test]
async fn a_foreign_page_gets_no_socket() {
    let eventflows = Eventflows::start().await;
    let refused = eventflows
        .api()
        .socket(&[("origin", "http://evil.example")])
        .await;
    assert_eq!(refused.err(), Some(403));
}

#[tokio::test]
async fn a_client_that_breaks_the_protocol_is_closed_with_its_code() {
    let eventflows = Eventflows::start().await;
    let init = json!({ "type": "connection_init" });
    for (messages, code) in [
        (vec![subscribe("1", EVENTS)], 4401),
        (vec![init.clone(), init.clone()], 4429),
        (vec![init.clone(), json!({ "type": "start" })], 4400),
        (
            vec![init.clone(), subscribe("1", EVENTS), subscribe("1", EVENTS)],
            4409,
        ),
    ] {
        let mut socket = eventflows.api().socket(&[]).await.unwrap();
        for message in messages {
            socket.tell(message).await;
        }
        assert_eq!(socket.closed().await, code);
    }
}

/// A socket that may subscribe.
async fn acknowledged(eventflows: &Eventflows) -> Socket {
    let mut socket = eventflows.api().socket(&[]).await.unwrap();
    socket.tell(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.hear().await["type"], "connection_ack");
    socket
}

/// The code of the `error` that is the next message, which is about `id`.
async fn refused(socket: &mut Socket, id: &str) -> Value {
    let message = socket.hear().await;
    assert_eq!(
        (&message["type"], &message["id"]),
        (&json!("error"), &json!(id))
    );
    assert_eq!(message["payload"].as_array().unwrap().len(), 1, "{message}");
    message["payload"][0]["extensions"]["code"].clone()
}

#[tokio::test]
async fn one_subscription_too_many_is_refused_and_the_others_go_on() {
    let eventflows = Eventflows::start().await;
    let mut socket = acknowledged(&eventflows).await;
    let quiet = "subscription { events(after: \"1000\") { type } }";
    for number in 0..50 {
        socket.tell(subscribe(&number.to_string(), quiet)).await;
    }
    socket.tell(subscribe("one more", quiet)).await;
    assert_eq!(refused(&mut socket, "one more").await, "TOO_COMPLEX");
    socket.tell(json!({ "type": "complete", "id": "0" })).await;
    socket.tell(subscribe("one more", quiet)).await;
    socket.tell(json!({ "type": "ping" })).await;
    assert_eq!(socket.hear().await["type"], "pong");
}

#[tokio::test]
async fn moving_from_page_to_page_is_not_taken_for_a_flood() {
    let eventflows = Eventflows::start().await;
    let mut socket = acknowledged(&eventflows).await;
    let quiet = "subscription { events(after: \"1000\") { type } }";
    for number in 0..90 {
        let id = number.to_string();
        socket.tell(subscribe(&id, quiet)).await;
        socket.tell(json!({ "type": "complete", "id": id })).await;
    }
    socket.tell(json!({ "type": "ping" })).await;
    assert_eq!(socket.hear().await["type"], "pong");
}

#[tokio::test]
async fn a_flood_is_told_to_come_back_later() {
    let eventflows = Eventflows::start().await;
    for message in [
        json!({ "type": "ping" }),
        json!({ "type": "complete", "id": "x" }),
    ] {
        let mut socket = acknowledged(&eventflows).await;
        for _ in 0..150 {
            socket.tell(message.clone()).await;
        }
        assert_eq!(socket.closed().await, 1013, "{message}");
    }
}

#[tokio::test]
async fn a_request_that_is_no_subscription_is_refused_in_one_form() {
    let eventflows = Eventflows::start().await;
    let mut socket = acknowledged(&eventflows).await;
    let deep = format!(
        "subscription {{ a {}{} }}",
        "{ a ".repeat(40),
        "}".repeat(40)
    );
    for (query, code) in [
        ("subscription { nothing }", "INVALID_ARGUMENT"),
        ("subscription {", "INVALID_ARGUMENT"),
        ("", "INVALID_ARGUMENT"),
        (
            "subscription($a: Position!) { events(after: $a) { type } }",
            "INVALID_ARGUMENT",
        ),
        (
            "subscription { changes(after: \"1000\") { position } }",
            "POSITION_TOO_OLD",
        ),
        ("{ position }", "INVALID_ARGUMENT"),
        (&*deep, "TOO_COMPLEX"),
    ] {
        socket.tell(subscribe("1", query)).await;
        assert_eq!(refused(&mut socket, "1").await, code, "{query}");
        // Nothing else comes, and the id is free.
        socket.tell(json!({ "type": "ping" })).await;
        assert_eq!(socket.hear().await["type"], "pong", "{query}");
    }
}

#[tokio::test]
async fn a_subscription_that_is_too_long_is_refused_and_what_no_client_sends_closes() {
    let eventflows = Eventflows::start().await;
    let mut socket = acknowledged(&eventflows).await;
    socket.tell(subscribe("1", &" ".repeat(140 * 1024))).await;
    assert_eq!(refused(&mut socket, "1").await, "TOO_COMPLEX");
    socket.tell(subscribe("2", &" ".repeat(300 * 1024))).await;
    assert_eq!(socket.closed().await, 1009);
}

#[tokio::test]
async fn every_client_is_told_to_connect_again_when_the_server_stops() {
    let mut eventflows = Eventflows::start().await;
    let mut sockets = Vec::new();
    // So many that the last of them are told long after the first.
    for _ in 0..300 {
        sockets.push(acknowledged(&eventflows).await);
    }
    // They answer the closing, and one that does not keeps nobody waiting for long.
    let silent = sockets.pop();
    let codes = join_all(sockets.iter_mut().map(Socket::closed));
    let (codes, ()) = tokio::join!(codes, eventflows.terminate());
    assert_eq!(codes, [1001; 299]);
    assert_eq!(silent.unwrap().closed().await, 1001);
}

/// The protocol that the server chooses of those offered, or the code and the reason that it closes
/// with at once.
async fn handshake(eventflows: &Eventflows, offered: &str) -> Result<String, (u16, String)> {
    let request = format!(
        "GET /graphql/ws HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{offered}\r\n",
        eventflows.authority()
    );
    let mut answer = raw::send(eventflows.authority(), request.as_bytes()).await;
    assert_eq!(answer.status, 101);
    let chosen = answer.header("sec-websocket-protocol").unwrap_or_default();
    if chosen == "graphql-transport-ws" {
        return Ok(chosen.to_owned());
    }
    // Clients fail a handshake that selects none of theirs, without a reason.
    assert_eq!(chosen.is_empty(), offered.is_empty(), "{offered}");
    // A closing frame: a code, and a reason in few bytes.
    assert_eq!(answer.socket.read_u8().await.unwrap(), 0x88);
    let length = answer.socket.read_u8().await.unwrap();
    let code = answer.socket.read_u16().await.unwrap();
    let mut reason = vec![0; usize::from(length) - 2];
    answer.socket.read_exact(&mut reason).await.unwrap();
    Err((code, String::from_utf8(reason).unwrap()))
}

#[tokio::test]
async fn a_client_of_another_protocol_learns_which_one_is_spoken() {
    let eventflows = Eventflows::start().await;
    for offered in [
        "",
        "Sec-WebSocket-Protocol: graphql-ws\r\n",
        "Sec-WebSocket-Protocol: graphql-transport-ws2, soap\r\n",
    ] {
        let (code, reason) = handshake(&eventflows, offered).await.unwrap_err();
        assert_eq!(code, 4406, "{offered}");
        assert!(reason.contains("graphql-transport-ws"), "{reason}");
    }
    for offered in [
        "Sec-WebSocket-Protocol: graphql-ws, graphql-transport-ws\r\n",
        "Sec-WebSocket-Protocol: graphql-transport-ws, graphql-ws\r\n",
        "Sec-WebSocket-Protocol: graphql-ws\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n",
    ] {
        let chosen = handshake(&eventflows, offered).await;
        assert_eq!(chosen.as_deref(), Ok("graphql-transport-ws"), "{offered}");
    }
}

#[tokio::test]
async fn a_completed_subscription_is_silent_and_its_id_free() {
    let eventflows = Eventflows::start().await;
    let create = "mutation { it: organizationCreate(input: { name: \"acme\" }) \
                  { userErrors { code message } } }";
    eventflows.api().done(create, json!({})).await;
    let mut socket = acknowledged(&eventflows).await;
    socket.tell(subscribe("1", EVENTS)).await;
    socket.tell(json!({ "type": "complete", "id": "1" })).await;
    socket.tell(json!({ "type": "ping" })).await;
    while socket.hear().await["type"] != "pong" {}
    socket.tell(subscribe("1", EVENTS)).await;
    let first = socket.hear().await;
    assert_eq!(
        (&first["type"], &first["id"]),
        (&json!("next"), &json!("1"))
    );
}

#[tokio::test]
async fn mutations_do_not_go_over_the_socket() {
    let eventflows = Eventflows::start().await;
    let mut socket = acknowledged(&eventflows).await;
    let create = "mutation { organizationCreate(input: { name: \"a\" }) { position } }";
    socket.tell(subscribe("1", create)).await;
    assert_eq!(socket.hear().await["type"], "error");
    let list = "{ organizations { nodes { id } } }";
    let answer = eventflows.api().ask(list, json!({})).await;
    assert_eq!(answer["organizations"]["nodes"], json!([]));
}

#[tokio::test]
async fn the_end_of_a_subscription_does_not_end_the_next_of_its_id() {
    let eventflows = Eventflows::start().await;
    let mut socket = acknowledged(&eventflows).await;
    for _ in 0..20 {
        socket.tell(subscribe("1", EVENTS)).await;
        socket.tell(json!({ "type": "complete", "id": "1" })).await;
    }
    socket.tell(subscribe("1", EVENTS)).await;
    socket.tell(json!({ "type": "ping" })).await;
    let mut wanted = vec!["next", "pong"];
    while !wanted.is_empty() {
        let message = socket.hear().await;
        let kind = message["type"].as_str().unwrap();
        assert_ne!(kind, "complete", "{message}");
        wanted.retain(|wanted| *wanted != kind);
    }
}
