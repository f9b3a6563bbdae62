//! What the logs in SQLite and in PostgreSQL have in common: one writer that commits in groups, and
//! a pool of connections that read.

use async_trait::async_trait;
use domain::{CommandId, Envelope, EventId, Position, Revision, StreamName};
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use crate::follow::follow;
use crate::group_commit::Queue;
use crate::group_read::{Asked, Pages, Streams, beyond};
use crate::port::{Append, AppendError, Appended, EventStore, Follow, ReadError};
use crate::stored::StoredEvent;

/// A command's answer, and the digest that the command came with.
pub(crate) type Answered = (Appended, [u8; 32]);

/// How a database is read, by a pool of its connections.
pub(crate) trait Reads: Clone + Send + Sync + 'static {
    /// Up to `limit` events of `stream` from revision `from` on, in order.
    fn stream(
        &self,
        stream: &StreamName,
        from: Revision,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Envelope>, ReadError>> + Send;

    /// The first events of each stream; see [`Pages`].
    fn streams(&self, asked: &[Asked]) -> impl Future<Output = Result<Pages, sqlx::Error>> + Send;

    /// Up to `limit` events after `after`, in order.
    fn all(
        &self,
        after: Position,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Envelope>, ReadError>> + Send;

    /// As [`Reads::all`], for a follower, which passes on what comes before a hole.
    fn page(
        &self,
        after: Position,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Envelope>, ReadError>> + Send {
        self.all(after, limit)
    }

    /// The events at those positions, in order.
    fn at(
        &self,
        positions: &[Position],
    ) -> impl Future<Output = Result<Vec<Envelope>, ReadError>> + Send;

    /// Up to `limit` events after `after` as they are stored; see [`EventStore::read_stored`].
    fn stored(
        &self,
        after: Position,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<StoredEvent>, ReadError>> + Send;

    /// The position of the last event; 0 in an empty log.
    fn head(&self) -> impl Future<Output = Result<Position, ReadError>> + Send;

    /// What `command` was answered.
    fn command(
        &self,
        command: CommandId,
    ) -> impl Future<Output = Result<Option<Answered>, ReadError>> + Send;

    /// What each of `commands` was answered.
    fn commands(
        &self,
        commands: &[CommandId],
    ) -> impl Future<Output = Result<Vec<Option<Answered>>, ReadError>> + Send;

    /// Where the event with this id stands.
    fn find(&self, id: EventId)
    -> impl Future<Output = Result<Option<Position>, ReadError>> + Send;
}

/// An event log in a database.
pub struct SqlLog<R> {
    /// `None` where the log is only read.
    queue: Option<Queue>,
    readers: R,
    streams: Streams,
    /// The last position that is known to be appended.
    pub(crate) head: watch::Receiver<Position>,
    /// What ends with the log.
    _companion: Companion,
}

/// Something that is kept until it is dropped.
pub(crate) type Companion = Option<Box<dyn Send + Sync>>;

/// A log whose writer stands behind `queue` and tells `head` what it appended.
pub(crate) fn written<R: Reads>(
    queue: Queue,
    readers: R,
    head: watch::Receiver<Position>,
    companion: Companion,
) -> SqlLog<R> {
    SqlLog {
        queue: Some(queue),
        streams: streams(&readers),
        readers,
        head,
        _companion: companion,
    }
}

/// A log that is only read. Appends fail.
pub(crate) fn only_read<R: Reads>(readers: R) -> SqlLog<R> {
    let (_, head) = watch::channel(Position(0));
    SqlLog {
        queue: None,
        streams: streams(&readers),
        readers,
        head,
        _companion: None,
    }
}

fn streams<R: Reads>(readers: &R) -> Streams {
    let readers = readers.clone();
    Streams::start(Box::new(move |asked| {
        let readers = readers.clone();
        Box::pin(async move { readers.streams(&asked).await })
    }))
}

#[async_trait]
impl<R: Reads> EventStore for SqlLog<R> {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        match &self.queue {
            Some(queue) => queue.append(append).await,
            None => Err(AppendError::Unavailable("the log is only read".into())),
        }
    }

    async fn appended(&self, command: CommandId) -> Result<Option<Answered>, ReadError> {
        self.readers.command(command).await
    }

    async fn appended_each(
        &self,
        commands: &[CommandId],
    ) -> Result<Vec<Option<Answered>>, ReadError> {
        self.readers.commands(commands).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        from: Revision,
        limit: usize,
    ) -> Result<Vec<Envelope>, ReadError> {
        let mut events = self.streams.read(stream, from, limit).await?;
        if let Some((from, limit)) = beyond(&events, limit) {
            events.extend(self.readers.stream(stream, from, limit).await?);
        }
        Ok(events)
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Envelope>, ReadError> {
        self.readers.all(after, limit).await
    }

    async fn read_at(&self, positions: &[Position]) -> Result<Vec<Envelope>, ReadError> {
        self.readers.at(positions).await
    }

    async fn read_stored(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, ReadError> {
        self.readers.stored(after, limit).await
    }

    async fn find(&self, id: EventId) -> Result<Option<Position>, ReadError> {
        self.readers.find(id).await
    }

    async fn head(&self) -> Result<Position, ReadError> {
        self.readers.head().await
    }

    async fn ready(&self) -> Result<(), ReadError> {
        // The writer knows best why it cannot.
        if let Some(queue) = &self.queue {
            queue.probe().await?;
        }
        self.head().await.map(|_| ())
    }

    fn follow(&self, after: Position) -> Follow {
        let readers = self.readers.clone();
        let read_page = move |after, limit| -> BoxFuture<'static, _> {
            let readers = readers.clone();
            Box::pin(async move { readers.page(after, limit).await })
        };
        follow(Box::new(read_page), self.head.clone(), after)
    }
}
