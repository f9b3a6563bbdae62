//! The HTTP client that all calls of a worker share.

use std::error::Error as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Extensions, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tower_service::Service;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Less than the five seconds after which uvicorn and Node close an idle connection.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// When a silent peer is first asked whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// The most calls of a listener at once, and so the connections worth keeping.
const MOST_IDLE: usize = 1024;

/// HTTP/1.1 connections, kept per host. Redirects are not followed, proxies not asked.
#[derive(Clone)]
pub(crate) struct Endpoints {
    kept: Client<Connector, Full<Bytes>>,
    /// Keeps no connections.
    fresh: Client<Connector, Full<Bytes>>,
}

impl Endpoints {
    pub(crate) fn new() -> Self {
        let mut http = HttpConnector::new();
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT_TIMEOUT));
        http.set_keepalive(Some(KEEPALIVE));
        let client = |idle| {
            Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(IDLE_TIMEOUT)
                .pool_max_idle_per_host(idle)
                .build(Connector(http.clone()))
        };
        Self {
            kept: client(MOST_IDLE),
            fresh: client(0),
        }
    }

    /// Sends the request. Where it meets the end of a connection that was kept from an earlier call,
    /// it is made and sent once more, on a new one: that says nothing of the endpoint or the request.
    pub(super) async fn send(
        &self,
        request: Request<Full<Bytes>>,
        again: impl FnOnce() -> Option<Request<Full<Bytes>>> + Send,
    ) -> Result<Response<Incoming>, Error> {
        match self.kept.request(request).await {
            Ok(response) => {
                if let Some(answered) = response.extensions().get::<Answered>() {
                    answered.0.store(true, Ordering::Relaxed);
                }
                Ok(response)
            }
            Err(error) if is_end_of_kept(&error) => match again() {
                Some(again) => self.fresh.request(again).await,
                None => Err(error),
            },
            Err(error) => Err(error),
        }
    }
}

/// Whether a connection that had answered before ended without a word.
fn is_end_of_kept(error: &Error) -> bool {
    let mut extensions = Extensions::new();
    if let Some(connection) = error.connect_info() {
        connection.get_extras(&mut extensions);
    }
    let answered = extensions.get::<Answered>();
    answered.is_some_and(|answered| answered.0.load(Ordering::Relaxed)) && is_end(error)
}

fn is_end(error: &Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<hyper::Error>()
            && (error.is_incomplete_message() || error.is_closed() || error.is_canceled())
        {
            return true;
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return matches!(
                error.kind(),
                io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::BrokenPipe
            );
        }
        cause = error.source();
    }
    false
}

/// Whether a connection has answered a call.
#[derive(Clone, Debug, Default)]
struct Answered(Arc<AtomicBool>);

/// Makes connections that know whether they have answered a call.
#[derive(Clone)]
struct Connector(HttpConnector);

struct Kept {
    stream: TokioIo<TcpStream>,
    answered: Answered,
}

impl Service<Uri> for Connector {
    type Response = Kept;
    type Error = <HttpConnector as Service<Uri>>::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Kept, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.0.call(uri);
        Box::pin(async move {
            Ok(Kept {
                stream: connecting.await?,
                answered: Answered::default(),
            })
        })
    }
}

impl Connection for Kept {
    fn connected(&self) -> Connected {
        self.stream.connected().extra(self.answered.clone())
    }
}

impl Read for Kept {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl Write for Kept {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
