//! HTTP as it is on the wire, for requests that no client sends.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The longest head of an answer that is read, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;

/// What was answered to the bytes of a request.
pub struct RawAnswer {
    pub status: u16,
    /// The status line and the headers, in lower case.
    pub head: String,
    pub body: Vec<u8>,
    /// What may go on, after the switch to another protocol.
    pub socket: TcpStream,
}

impl RawAnswer {
    /// The value of a header, in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(": "));
        headers.find_map(|(key, value)| (key == name).then_some(value))
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Sends `request` to `authority` on a connection of its own.
pub async fn send(authority: &str, request: &[u8]) -> RawAnswer {
    let mut socket = TcpStream::connect(authority).await.unwrap();
    socket.write_all(request).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
        assert!(head.len() <= LONGEST_HEAD, "an answer without an end");
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut answer = RawAnswer {
        status,
        head,
        body: Vec::new(),
        socket,
    };
    let length = answer.header("content-length").unwrap_or("0");
    answer.body = vec![0; length.parse().unwrap()];
    answer.socket.read_exact(&mut answer.body).await.unwrap();
    answer
}
