//! Faults on demand.

use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// What is to go wrong, and what has happened.
#[derive(Default)]
pub(crate) struct Faults {
    connections: Mutex<Vec<TcpStream>>,
    /// Raised to end every stream there is.
    ended: watch::Sender<u64>,
    silent: watch::Sender<bool>,
    subscriptions: AtomicU64,
    /// The number of the first subscription that is not held.
    free: watch::Sender<u64>,
    /// The most bytes of an append; 0 where there is no limit.
    limit: AtomicUsize,
    cut_read: AtomicBool,
    lose_answer: AtomicBool,
    requests: AtomicU64,
}

impl Faults {
    /// A connection that may have to be broken.
    pub(crate) fn connected(&self, connection: TcpStream) {
        let mut connections = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        connections.retain(|one| matches!(one.take_error(), Ok(None)) && one.peer_addr().is_ok());
        connections.push(connection);
    }

    pub(crate) fn break_connections(&self) {
        let mut connections = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for connection in connections.drain(..) {
            // It may have ended by itself.
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    pub(crate) fn end_streams(&self) {
        self.ended.send_modify(|ended| *ended += 1);
    }

    /// Waits until the streams that are there now are to end.
    pub(crate) fn streams_end(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut ended = self.ended.subscribe();
        async move {
            // Without faults nothing ends.
            if ended.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    pub(crate) fn fall_silent(&self, silent: bool) {
        self.silent.send_replace(silent);
    }

    /// Counts a request, and waits until it may be answered.
    pub(crate) async fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let mut silent = self.silent.subscribe();
        // The sender is here.
        let _ = silent.wait_for(|silent| !silent).await;
    }

    pub(crate) fn hold_subscriptions(&self) {
        self.free
            .send_replace(self.subscriptions.load(Ordering::Relaxed));
    }

    /// The number of a new subscription, and the first number that is not held.
    pub(crate) fn subscription(&self) -> (u64, watch::Receiver<u64>) {
        let number = self.subscriptions.fetch_add(1, Ordering::Relaxed);
        (number, self.free.subscribe())
    }

    pub(crate) fn limit_appends(&self, bytes: usize) {
        self.limit.store(bytes, Ordering::Relaxed);
    }

    /// Whether an append of so many bytes is refused.
    pub(crate) fn refuses(&self, bytes: usize) -> bool {
        let limit = self.limit.load(Ordering::Relaxed);
        limit > 0 && bytes > limit
    }

    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    pub(crate) fn cut_next_read(&self) {
        self.cut_read.store(true, Ordering::Relaxed);
    }

    /// Whether this read is the one to be cut.
    pub(crate) fn cuts_read(&self) -> bool {
        self.cut_read.swap(false, Ordering::Relaxed)
    }

    pub(crate) fn lose_next_answer(&self) {
        self.lose_answer.store(true, Ordering::Relaxed);
    }

    /// Whether the answer to this append is the one to be lost.
    pub(crate) fn loses_answer(&self) -> bool {
        self.lose_answer.swap(false, Ordering::Relaxed)
    }
}
