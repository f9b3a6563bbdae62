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
use hyper_util::client::legacy::connect::{
    Connected, Connection, HttpConnector, capture_connection,
};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tower_service::Service;

/// Less than the five seconds after which uvicorn and Node close an idle connection.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// The age, since it was made, from which on a connection takes no further call: names come to mean
/// other hosts, and those that are added to a balanced service are to get calls, too.
const GREATEST_AGE: Duration = Duration::from_secs(60);

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
    greatest_age: Duration,
}

tokio::task_local! {
    /// How long a connection that is made for a call may take. The client asks for one while the call
    /// polls it, and tells its connector nothing of the call.
    static CONNECT_TIMEOUT: Duration;
}

impl Endpoints {
    pub(crate) fn new() -> Self {
        Self::with_greatest_age(GREATEST_AGE)
    }

    fn with_greatest_age(greatest_age: Duration) -> Self {
        let mut http = HttpConnector::new();
        http.set_nodelay(true);
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
            greatest_age,
        }
    }

    /// Sends the request. Where it meets the end of a connection that was kept from an earlier call,
    /// it is made and sent once more, on a new one: that says nothing of the endpoint or the request.
    /// A connection that has to be made may take `connect_timeout`.
    pub(super) async fn send(
        &self,
        connect_timeout: Duration,
        request: Request<Full<Bytes>>,
        again: impl FnOnce() -> Option<Request<Full<Bytes>>> + Send,
    ) -> Result<Response<Incoming>, Error> {
        let sending = self.send_once_or_again(request, again);
        CONNECT_TIMEOUT.scope(connect_timeout, sending).await
    }

    async fn send_once_or_again(
        &self,
        mut request: Request<Full<Bytes>>,
        again: impl FnOnce() -> Option<Request<Full<Bytes>>> + Send,
    ) -> Result<Response<Incoming>, Error> {
        let captured = capture_connection(&mut request);
        match self.kept.request(request).await {
            Ok(response) => {
                if let Some(life) = response.extensions().get::<Life>() {
                    life.answered.store(true, Ordering::Relaxed);
                    if life.began.elapsed() >= self.greatest_age
                        && let Some(connection) = &*captured.connection_metadata()
                    {
                        // It ends with this call.
                        connection.poison();
                    }
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
    let life = extensions.get::<Life>();
    life.is_some_and(|life| life.answered.load(Ordering::Relaxed)) && is_end(error)
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

/// When a connection was made, and whether it has answered a call.
#[derive(Clone, Debug)]
struct Life {
    began: Instant,
    answered: Arc<AtomicBool>,
}

/// Makes connections that know their lives.
#[derive(Clone)]
struct Connector(HttpConnector);

struct Kept {
    stream: TokioIo<TcpStream>,
    life: Life,
}

impl Service<Uri> for Connector {
    type Response = Kept;
    type Error = <HttpConnector as Service<Uri>>::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Kept, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let mut http = self.0.clone();
        http.set_connect_timeout(CONNECT_TIMEOUT.try_with(Clone::clone).ok());
        let connecting = http.call(uri);
        Box::pin(async move {
            Ok(Kept {
                stream: connecting.await?,
                life: Life {
                    began: Instant::now(),
                    answered: Arc::default(),
                },
            })
        })
    }
}

impl Connection for Kept {
    fn connected(&self) -> Connected {
        self.stream.connected().extra(self.life.clone())
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

#[cfg(test)]
mod tests;
