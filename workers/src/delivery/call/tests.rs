//! Calls, and what their answers say of themselves.

use domain::algorithm::Protocol;
use http::HeaderValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::super::claim::tests::run;
use super::*;

/// A call of an endpoint that sends these pieces, each by itself, and then nothing any more.
async fn called(pieces: &[&'static str], timeout_ms: u64, calls: CallSettings) -> Called {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/", listener.local_addr().unwrap());
    let pieces: Vec<_> = pieces.to_vec();
    let mut server = JoinSet::new();
    server.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let read = stream.read(&mut [0; 4096]).await.unwrap();
        assert!(read > 0);
        for piece in pieces {
            stream.write_all(piece.as_bytes()).await.unwrap();
            stream.flush().await.unwrap();
            tokio::task::yield_now().await;
        }
        std::future::pending::<()>().await;
    });
    let version = CalledVersion {
        version: "1.0.0".parse().unwrap(),
        endpoint,
        protocol: Protocol::Raw,
        timeout_ms,
        calls,
    };
    let input = Input::of_caller(&"acme/score".parse().unwrap(), "text/plain", Bytes::new());
    call(&Endpoints::new(), &version, &input, &run(b"1")).await
}

const HEAD: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
const LONG: u64 = 20_000;

#[tokio::test]
async fn an_endpoint_may_be_silent_for_as_long_as_the_version_says() {
    let short = |first_byte_timeout_ms, idle_timeout_ms| CallSettings {
        first_byte_timeout_ms,
        idle_timeout_ms,
        ..CallSettings::default()
    };
    let silent = called(&[], LONG, short(Some(30), None)).await;
    assert_eq!(silent.answer, Answer::TimedOut);
    assert_eq!(silent.text.unwrap(), "no answer began within 30 ms");
    let stopped = called(&[HEAD, "1\r\na\r\n"], LONG, short(Some(LONG), Some(30))).await;
    assert_eq!(stopped.answer, Answer::TimedOut);
    assert_eq!(stopped.text.unwrap(), "the answer stopped for 30 ms");
    let late = called(&[HEAD], 30, short(Some(LONG), Some(LONG))).await;
    assert_eq!(late.text.unwrap(), "no answer within 30 ms");
}

#[tokio::test]
async fn an_answer_in_pieces_is_whole() {
    let pieces = [HEAD, "2\r\nab\r\n", "1\r\nc\r\n", "3\r\ndef\r\n0\r\n\r\n"];
    let answer = called(&pieces, LONG, CallSettings::default()).await;
    assert_eq!(answer.result.unwrap(), "abcdef");
    let empty = called(&[HEAD, "0\r\n\r\n"], LONG, CallSettings::default()).await;
    assert_eq!(empty.result.unwrap(), "");
}

#[test]
fn encodings_are_told_in_their_order_and_identity_is_none() {
    let told = |lines: &[&'static str]| {
        let lines = lines.iter().map(|line| HeaderValue::from_static(line));
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(CONTENT_ENCODING, line);
        }
        encoding(&headers)
    };
    assert_eq!(told(&["gzip"]).as_deref(), Some("gzip"));
    assert_eq!(
        told(&["deflate,gzip", "br"]).as_deref(),
        Some("deflate, gzip, br")
    );
    for none in [&[][..], &["identity"], &["", " Identity "]] {
        assert_eq!(told(none), None);
    }
}
