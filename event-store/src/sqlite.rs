//! The log in a SQLite file: one writer that commits in groups, a few connections that read.

mod batch;
mod error;
mod import;
mod read;
mod schema;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{Clock, CommandId, Envelope, EventId, Position, Revision, StreamName};
use futures_util::future::BoxFuture;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use tokio::sync::watch;

pub use self::import::SqliteImport;
use self::writer::Writer;
use crate::error::OpenError;
use crate::follow::follow;
use crate::group_commit::Queue;
use crate::group_read::{Streams, beyond};
use crate::port::{Append, AppendError, Appended, EventStore, Follow, ReadError};
use crate::stored::StoredEvent;

const READERS: u32 = 4;

/// How long a read waits for a free connection.
const READER_TIMEOUT: Duration = Duration::from_secs(5);

/// The event log in a SQLite file on a local disk.
///
/// Several processes may open one file. An append that was answered survives a power cut.
pub struct SqliteEventStore {
    /// `None` where the log is only read.
    queue: Option<Queue>,
    readers: SqlitePool,
    streams: Streams,
    /// The last position that this process appended.
    head: watch::Receiver<Position>,
}

impl SqliteEventStore {
    /// Opens the log at `path`, making it where there is none, and starts its writer. The writer
    /// ends with the store, after what is in line.
    pub async fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let options = schema::write_options(path);
        let connection = schema::prepare(&options).await?;
        let (head_sender, head) = watch::channel(Position(0));
        let writer = Writer::new(options, connection, clock);
        let queue = Queue::start(writer, head_sender).map_err(OpenError::Thread)?;
        let readers = readers().connect_lazy_with(schema::read_options(path));
        Ok(Self {
            queue: Some(queue),
            streams: streams(&readers),
            readers,
            head,
        })
    }

    /// Opens the log at `path`, which must be there, to read it alone, also while a server writes
    /// to it. Appends fail.
    pub async fn open_read_only(path: &Path) -> Result<Self, OpenError> {
        let readers = readers().connect_with(schema::read_options(path)).await;
        Ok(Self::reading(readers.map_err(OpenError::Connect)?))
    }

    fn reading(readers: SqlitePool) -> Self {
        let (_, head) = watch::channel(Position(0));
        Self {
            queue: None,
            streams: streams(&readers),
            readers,
            head,
        }
    }
}

#[async_trait]
impl EventStore for SqliteEventStore {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        match &self.queue {
            Some(queue) => queue.append(append).await,
            None => Err(AppendError::Unavailable("the log is only read".into())),
        }
    }

    async fn appended(
        &self,
        command: CommandId,
    ) -> Result<Option<(Appended, [u8; 32])>, ReadError> {
        read::command(&self.readers, command).await
    }

    async fn appended_each(
        &self,
        commands: &[CommandId],
    ) -> Result<Vec<Option<(Appended, [u8; 32])>>, ReadError> {
        read::commands(&self.readers, commands).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        from: Revision,
        limit: usize,
    ) -> Result<Vec<Envelope>, ReadError> {
        let mut events = self.streams.read(stream, from, limit).await?;
        if let Some((from, limit)) = beyond(&events, limit) {
            events.extend(read::stream(&self.readers, stream, from, limit).await?);
        }
        Ok(events)
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Envelope>, ReadError> {
        read::all(&self.readers, after, limit).await
    }

    async fn read_at(&self, positions: &[Position]) -> Result<Vec<Envelope>, ReadError> {
        read::at(&self.readers, positions).await
    }

    async fn read_stored(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, ReadError> {
        read::stored(&self.readers, after, limit).await
    }

    async fn find(&self, id: EventId) -> Result<Option<Position>, ReadError> {
        read::find(&self.readers, id).await
    }

    async fn head(&self) -> Result<Position, ReadError> {
        read::head(&self.readers).await
    }

    async fn ready(&self) -> Result<(), ReadError> {
        if let Some(queue) = &self.queue {
            queue.probe().await?;
        }
        self.head().await.map(|_| ())
    }

    fn follow(&self, after: Position) -> Follow {
        let readers = self.readers.clone();
        let read_page = move |after, limit| -> BoxFuture<'static, _> {
            let readers = readers.clone();
            Box::pin(async move { read::all(&readers, after, limit).await })
        };
        follow(Box::new(read_page), self.head.clone(), after)
    }
}

fn streams(readers: &SqlitePool) -> Streams {
    let readers = readers.clone();
    Streams::start(Box::new(move |asked| {
        let readers = readers.clone();
        Box::pin(async move { read::streams(&readers, &asked).await })
    }))
}

fn readers() -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(READER_TIMEOUT)
        // A file does not hang up: the test would cost a hop between threads per read.
        .test_before_acquire(false)
}

#[cfg(test)]
mod tests;
