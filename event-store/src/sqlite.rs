//! The log in a SQLite file: one writer that commits in groups, a few connections that read.

mod batch;
mod error;
mod read;
mod schema;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{Clock, CommandId, Envelope, NewEvent, Position, Revision, StreamName};
use futures_util::future::BoxFuture;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use tokio::sync::{mpsc, oneshot, watch};

use self::writer::{Request, Writer};
use crate::follow::follow;
use crate::port::{
    Append, AppendError, Appended, EventStore, Follow, MAX_PAYLOAD_BYTES, ReadError,
};

pub use self::schema::OpenError;

/// Appends that may wait for the writer; further callers wait to get in line.
const QUEUE: usize = 1024;

const READERS: u32 = 4;

/// How long a read waits for a free connection.
const READER_TIMEOUT: Duration = Duration::from_secs(5);

/// The event log in a SQLite file on a local disk.
///
/// Several processes may open one file. An append that was answered survives a power cut.
pub struct SqliteEventStore {
    queue: mpsc::Sender<Request>,
    readers: SqlitePool,
    /// The last position that this process appended.
    head: watch::Receiver<Position>,
}

impl SqliteEventStore {
    /// Opens the log at `path`, making it where there is none, and starts its writer. The writer
    /// ends with the store, after what is in line.
    pub async fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let options = schema::write_options(path);
        let connection = schema::prepare(&options).await?;
        let (queue, requests) = mpsc::channel(QUEUE);
        let (head_sender, head) = watch::channel(Position(0));
        Writer::new(options, connection, clock, head_sender)
            .start(requests)
            .map_err(OpenError::Thread)?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(READER_TIMEOUT)
            // A file does not hang up: the test would cost a hop between threads per read.
            .test_before_acquire(false)
            .connect_lazy_with(schema::read_options(path));
        Ok(Self {
            queue,
            readers,
            head,
        })
    }
}

#[async_trait]
impl EventStore for SqliteEventStore {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        check(&append)?;
        let (answer, outcome) = oneshot::channel();
        self.queue
            .send(Request { append, answer })
            .await
            .map_err(|_| writer_ended())?;
        outcome.await.map_err(|_| writer_ended())?
    }

    async fn appended(
        &self,
        command: CommandId,
    ) -> Result<Option<(Appended, [u8; 32])>, ReadError> {
        read::command(&self.readers, command).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        from: Revision,
        limit: usize,
    ) -> Result<Vec<Envelope>, ReadError> {
        read::stream(&self.readers, stream, from, limit).await
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Envelope>, ReadError> {
        read::all(&self.readers, after, limit).await
    }

    async fn head(&self) -> Result<Position, ReadError> {
        read::head(&self.readers).await
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

/// Refuses what needs no look at the log.
fn check(append: &Append) -> Result<(), AppendError> {
    if append.events.is_empty() {
        return Err(AppendError::Empty);
    }
    let too_large = |event: &&NewEvent| event.payload.len() > MAX_PAYLOAD_BYTES;
    match append.events.iter().find(too_large) {
        Some(event) => Err(AppendError::PayloadTooLarge {
            type_name: event.type_name,
            bytes: event.payload.len(),
        }),
        None => Ok(()),
    }
}

/// The writer runs as long as the store, unless its runtime has shut down.
fn writer_ended() -> AppendError {
    AppendError::Unavailable("the log's writer has ended".into())
}

/// `number` as SQLite counts. No log gets past its largest integer, so nothing is there either way.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
