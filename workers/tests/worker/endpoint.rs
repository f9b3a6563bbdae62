//! An endpoint whose answers the test chooses.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Answers a call by its number, from 0, and its body.
pub(crate) type Script = dyn Fn(usize, &Bytes) -> Answer + Send + Sync;

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) body: Bytes,
}

impl From<(u16, Bytes)> for Answer {
    fn from((status, body): (u16, Bytes)) -> Self {
        let headers = Vec::new();
        Self {
            status,
            headers,
            body,
        }
    }
}

impl From<(u16, &'static str, String)> for Answer {
    /// An answer with a header.
    fn from((status, name, value): (u16, &'static str, String)) -> Self {
        Self {
            headers: vec![(HeaderName::from_static(name), value)],
            ..Self::from((status, Bytes::new()))
        }
    }
}

/// Answers each call with its body.
pub(crate) fn echo(_: usize, body: &Bytes) -> (u16, Bytes) {
    (200, body.clone())
}

/// Answers each call as one whose message is faulty.
pub(crate) fn refuse(_: usize, _: &Bytes) -> (u16, Bytes) {
    (422, Bytes::from_static(b"no"))
}

pub(crate) struct Call {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Serves until it is dropped.
pub(crate) struct Endpoint {
    pub(crate) port: u16,
    pub(crate) calls: Arc<Mutex<Vec<Call>>>,
    /// What answers say of themselves.
    answer_headers: Arc<Mutex<HeaderMap>>,
    held: watch::Sender<bool>,
    answers_once: Arc<AtomicBool>,
    _server: JoinSet<()>,
}

impl Endpoint {
    /// On a port of its own, or on that one.
    pub(crate) async fn start<A: Into<Answer>>(
        port: u16,
        script: impl Fn(usize, &Bytes) -> A + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let calls: Arc<Mutex<Vec<Call>>> = Arc::default();
        let script: Arc<Script> = Arc::new(move |number, body| script(number, body).into());
        let answers_once = Arc::new(AtomicBool::new(false));
        let held = watch::Sender::new(false);
        let content_type = HeaderValue::from_static("text/x-answer");
        let answer_headers = HeaderMap::from_iter([(CONTENT_TYPE, content_type)]);
        let answer_headers = Arc::new(Mutex::new(answer_headers));
        let mut server = JoinSet::new();
        server.spawn(serve(
            listener,
            Arc::clone(&calls),
            Arc::clone(&answer_headers),
            held.subscribe(),
            Arc::clone(&answers_once),
            script,
        ));
        Self {
            port,
            calls,
            answer_headers,
            held,
            answers_once,
            _server: server,
        }
    }

    /// Answers with one more header, or another value of one.
    pub(crate) fn answer_with(&self, name: &'static str, value: &'static str) {
        let value = HeaderValue::from_static(value);
        self.answer_headers.lock().unwrap().insert(name, value);
    }

    /// Takes calls, and answers none of them until told otherwise.
    pub(crate) fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// Answers one call of each connection from now on, and closes at the next without a byte.
    pub(crate) fn answer_once_per_connection(&self) {
        self.answers_once.store(true, Ordering::Relaxed);
    }

    pub(crate) fn count(&self) -> usize {
        self.calls.lock().unwrap().len()
    }
}

async fn serve(
    listener: TcpListener,
    calls: Arc<Mutex<Vec<Call>>>,
    answer_headers: Arc<Mutex<HeaderMap>>,
    held: watch::Receiver<bool>,
    answers_once: Arc<AtomicBool>,
    script: Arc<Script>,
) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (calls, held, script) = (Arc::clone(&calls), held.clone(), Arc::clone(&script));
        let answer_headers = Arc::clone(&answer_headers);
        let answers_once = Arc::clone(&answers_once);
        let has_answered = Arc::new(AtomicBool::new(false));
        let service = service_fn(move |request: Request<Incoming>| {
            let (calls, mut held, script) = (Arc::clone(&calls), held.clone(), Arc::clone(&script));
            let is_over =
                has_answered.swap(true, Ordering::Relaxed) && answers_once.load(Ordering::Relaxed);
            let answer_headers = Arc::clone(&answer_headers);
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.unwrap().to_bytes();
                let headers = head.headers;
                let number = {
                    let mut calls = calls.lock().unwrap();
                    calls.push(Call {
                        headers,
                        body: body.clone(),
                    });
                    calls.len() - 1
                };
                if is_over {
                    return Err(io::Error::other("closed as the test wants"));
                }
                // The endpoint that goes away takes the call along.
                let _ = held.wait_for(|held| !held).await;
                // A script may wait: here it keeps no task of the runtime from going on.
                let answered = tokio::task::spawn_blocking(move || script(number, &body));
                let answer = answered.await.unwrap();
                let response = Response::builder().status(answer.status);
                let mut response = response.body(Full::new(answer.body)).unwrap();
                let headers = response.headers_mut();
                headers.clone_from(&answer_headers.lock().unwrap());
                for (name, value) in answer.headers {
                    headers.insert(name, value.parse().unwrap());
                }
                Ok(response)
            }
        });
        connections.spawn(async move {
            // A client that goes away is no matter.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}
