//! A log that knows how many follow it, and how often it is read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use domain::{CommandId, Envelope, Position, Revision, StreamName};
use event_store::{Append, AppendError, Appended, EventStore, Follow, ReadError, SqliteEventStore};
use futures_util::StreamExt;

/// A log in SQLite that counts its followers and its reads.
pub(crate) struct Followed {
    log: SqliteEventStore,
    followers: Arc<()>,
    reads: AtomicUsize,
}

impl Followed {
    pub(crate) fn new(log: SqliteEventStore) -> Self {
        Self {
            log,
            followers: Arc::new(()),
            reads: AtomicUsize::new(0),
        }
    }

    /// Reads so far.
    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    fn log(&self) -> &SqliteEventStore {
        self.reads.fetch_add(1, Ordering::SeqCst);
        &self.log
    }

    /// The followers that there are now.
    pub(crate) fn followers(&self) -> usize {
        Arc::strong_count(&self.followers) - 1
    }
}

#[async_trait]
impl EventStore for Followed {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.log.append(append).await
    }

    async fn appended(
        &self,
        command: CommandId,
    ) -> Result<Option<(Appended, [u8; 32])>, ReadError> {
        self.log().appended(command).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        from: Revision,
        limit: usize,
    ) -> Result<Vec<Envelope>, ReadError> {
        self.log().read_stream(stream, from, limit).await
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Envelope>, ReadError> {
        self.log().read_all(after, limit).await
    }

    async fn read_at(&self, positions: &[Position]) -> Result<Vec<Envelope>, ReadError> {
        self.log().read_at(positions).await
    }

    async fn head(&self) -> Result<Position, ReadError> {
        self.log().head().await
    }

    fn follow(&self, after: Position) -> Follow {
        let follower = Arc::clone(&self.followers);
        let events = self.log.follow(after).inspect(move |_| {
            let _counted = &follower;
        });
        events.boxed()
    }
}
