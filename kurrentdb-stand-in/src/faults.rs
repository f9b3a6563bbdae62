//! Faults on demand.

use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// What is to go wrong, and what has happened.
#[derive(Default)]
pub(crate) struct Faults {
    connections: Mutex<Vec<TcpStream>>,
    /// Raised to end every stream there is.
    ended: watch::Sender<u64>,
    silent: watch::Sender<bool>,
    /// How many subscriptions have begun. They are numbered from 0.
    subscriptions: watch::Sender<u64>,
    /// The highest number of one that was sent an event, plus 1.
    fed: Arc<AtomicU64>,
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
        self.free.send_replace(self.subscriptions());
    }

    /// A new subscription.
    pub(crate) fn subscription(&self) -> Subscription {
        let mut number = 0;
        self.subscriptions.send_modify(|begun| {
            number = *begun;
            *begun += 1;
        });
        Subscription {
            number,
            free: self.free.subscribe(),
            fed: Arc::clone(&self.fed),
        }
    }

    pub(crate) fn subscriptions(&self) -> u64 {
        *self.subscriptions.borrow()
    }

    /// Waits until so many subscriptions have begun.
    pub(crate) async fn subscribed(&self, subscriptions: u64) {
        let mut begun = self.subscriptions.subscribe();
        // The sender is here.
        let _ = begun.wait_for(|begun| *begun >= subscriptions).await;
    }

    pub(crate) fn fed(&self) -> u64 {
        self.fed.load(Ordering::Relaxed)
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

/// A subscription's place among the others.
pub(crate) struct Subscription {
    number: u64,
    /// The first number that is not held.
    free: watch::Receiver<u64>,
    fed: Arc<AtomicU64>,
}

impl Subscription {
    /// Waits while it is held. Absent once the server has ended.
    pub(crate) async fn released(&mut self) -> Option<()> {
        let number = self.number;
        self.free.wait_for(|free| number >= *free).await.ok()?;
        Some(())
    }

    /// Notes that it is sent events.
    pub(crate) fn feeds(&self) {
        self.fed.fetch_max(self.number + 1, Ordering::Relaxed);
    }
}
