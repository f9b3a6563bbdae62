//! The trivial endpoint: answers every POST with 500 bytes. A process of its own.

use std::convert::Infallible;
use std::process::Stdio;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

static ANSWER: [u8; 500] = [b'a'; 500];

/// Serves on a free port, and prints it.
pub(crate) async fn serve() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let service = service_fn(answer);
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let _drained = request.into_body().collect().await;
    Ok(Response::new(Full::new(Bytes::from_static(&ANSWER))))
}

/// A running endpoint and its URL.
pub(crate) async fn start() -> (Child, String) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("endpoint")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = lines.next_line().await.unwrap().unwrap();
    (child, format!("http://{address}/"))
}
