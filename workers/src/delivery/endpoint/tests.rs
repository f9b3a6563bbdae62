//! The lives of connections.

use std::sync::atomic::AtomicUsize;

use http_body_util::BodyExt;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinSet;

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

/// Answers every call, and counts the connections.
async fn server() -> (String, Arc<AtomicUsize>, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    let mut server = JoinSet::new();
    server.spawn(async move {
        let mut tasks = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::Relaxed);
            let answer = |_| async { Ok::<_, io::Error>(Response::new(Full::new(Bytes::new()))) };
            let connection =
                http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
            tasks.spawn(async move { drop(connection.await) });
        }
    });
    (url, connections, server)
}

/// How many connections three calls one after the other take, each of which takes a call until it has
/// that age.
async fn connections(greatest_age: Duration) -> usize {
    let (url, connections, _server) = server().await;
    let endpoints = Endpoints::with_greatest_age(greatest_age);
    for _ in 0..3 {
        let mut request = Request::new(Full::new(Bytes::new()));
        *request.uri_mut() = url.parse().unwrap();
        let sent = endpoints.send(PATIENCE, request, || None).await;
        sent.unwrap().into_body().collect().await.unwrap();
    }
    connections.load(Ordering::Relaxed)
}

#[tokio::test]
async fn a_connection_that_has_its_age_takes_no_further_call() {
    assert_eq!(connections(Duration::ZERO).await, 3);
    assert_eq!(connections(PATIENCE).await, 1);
}

/// A port whose line of connections is full, so that nobody gets in and nobody is refused.
#[tokio::test]
async fn a_call_waits_for_a_connection_for_as_long_as_it_says() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let full = socket.listen(1).unwrap();
    let address = full.local_addr().unwrap();
    let mut others = JoinSet::new();
    for _ in 0..8 {
        others.spawn(TcpStream::connect(address));
    }
    let in_line = [others.join_next().await, others.join_next().await];
    let mut request = Request::new(Full::new(Bytes::new()));
    *request.uri_mut() = format!("http://{address}/").parse().unwrap();
    let endpoints = Endpoints::new();
    let sent = endpoints.send(Duration::from_millis(20), request, || None);
    let sent = tokio::time::timeout(PATIENCE, sent).await;
    let error = sent.expect("it is given up").unwrap_err();
    assert!(error.is_connect(), "{error:?}");
    drop(in_line);
}
