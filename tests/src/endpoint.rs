//! A scripted endpoint: answers as it is told and remembers every call.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

/// One call, as it arrived.
#[derive(Clone, Debug)]
pub struct Call {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// What a call is answered with.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// One without headers.
    pub fn new(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: body.into(),
        }
    }

    /// With one more header.
    ///
    /// # Panics
    /// It is no header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).unwrap();
        self.headers.append(HeaderName::from_static(name), value);
        self
    }
}

type Script = dyn Fn(&Call) -> Answer + Send + Sync;

/// Which calls are not answered for now.
type Held = Option<Arc<dyn Fn(&Call) -> bool + Send + Sync>>;

/// An HTTP server that can go down and come back on its port.
pub struct Endpoint {
    address: SocketAddr,
    calls: Arc<Mutex<Vec<Call>>>,
    script: Arc<Script>,
    held: watch::Sender<Held>,
    serving: Option<AbortOnDropHandle<()>>,
}

impl Endpoint {
    /// Serves `script` on a free port.
    pub async fn start(
        script: impl Fn(&Call) -> (StatusCode, Bytes) + Send + Sync + 'static,
    ) -> Self {
        Self::answering(move |call| {
            let (status, body) = script(call);
            Answer::new(status, body)
        })
        .await
    }

    /// Serves a `script` that chooses headers, too, on a free port.
    pub async fn answering(script: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let mut endpoint = Self {
            address: listener.local_addr().unwrap(),
            calls: Arc::default(),
            script: Arc::new(script),
            held: watch::Sender::new(None),
            serving: None,
        };
        endpoint.serve(listener);
        endpoint
    }

    /// Answers every call with its own body.
    pub async fn echo() -> Self {
        Self::start(|call| (StatusCode::OK, call.body.clone())).await
    }

    /// The URL of `path`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The calls so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// Takes calls, and answers none of `which` until they are released.
    pub fn hold(&self, which: impl Fn(&Call) -> bool + Send + Sync + 'static) {
        self.held.send_replace(Some(Arc::new(which)));
    }

    /// Answers the calls that were held.
    pub fn release(&self) {
        self.held.send_replace(None);
    }

    /// Refuses connections, and breaks those there are.
    pub fn go_down(&mut self) {
        self.serving = None;
    }

    /// Serves again on the same port.
    pub async fn come_back(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.serve(listener);
    }

    fn serve(&mut self, listener: TcpListener) {
        let (calls, script) = (Arc::clone(&self.calls), Arc::clone(&self.script));
        let held = self.held.subscribe();
        let serving = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (calls, script, held) = (Arc::clone(&calls), Arc::clone(&script), held.clone());
                let service = service_fn(move |request| {
                    let (calls, script) = (Arc::clone(&calls), Arc::clone(&script));
                    answer(request, calls, script, held.clone())
                });
                let io = TokioIo::new(stream);
                connections.spawn(http1::Builder::new().serve_connection(io, service));
            }
        });
        self.serving = Some(AbortOnDropHandle::new(serving));
    }
}

async fn answer(
    request: http::Request<Incoming>,
    calls: Arc<Mutex<Vec<Call>>>,
    script: Arc<Script>,
    mut held: watch::Receiver<Held>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let call = Call {
        path: parts.uri.path().to_owned(),
        headers: parts.headers,
        body,
    };
    let answer = script(&call);
    calls.lock().unwrap().push(call.clone());
    let is_held = |held: &Held| held.as_ref().is_some_and(|which| which(&call));
    // An endpoint that ends takes its calls along.
    let _ = held.wait_for(|held| !is_held(held)).await;
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    Ok(response)
}
