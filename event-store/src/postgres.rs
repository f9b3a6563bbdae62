//! The log in a PostgreSQL database: one writer in each process that commits in groups, a few
//! connections that read.
//!
//! Any number of processes may append to one log. The transaction of a batch holds the one row of
//! `log_head` from its first statement to its commit, so that positions are given in the order of
//! commits, and without gaps.
//!
//! # Two roles
//!
//! Nothing but the tables is created here. An operator makes the database and two roles: the
//! owner of the tables, used when a new release starts for the first time, and the one that the
//! server runs as, which can add to the log and read it:
//!
//! ```sql
//! CREATE ROLE eventflows_owner LOGIN PASSWORD '…';
//! CREATE ROLE eventflows LOGIN PASSWORD '…';
//! CREATE DATABASE eventflows OWNER eventflows_owner ENCODING 'UTF8' TEMPLATE template0;
//! -- In that database, as eventflows_owner, once the server has been started as it:
//! GRANT SELECT, INSERT ON events, commands TO eventflows;
//! GRANT SELECT, UPDATE ON log_head TO eventflows;
//! GRANT SELECT ON _sqlx_migrations TO eventflows;
//! ```
//!
//! A role that only reads the log, as an auditor does, needs only
//! `GRANT SELECT ON events, commands, log_head`.
//!
//! Triggers refuse UPDATE, DELETE and TRUNCATE of the log to everybody, the owner included, who
//! could drop the triggers, but not by mistake.

mod batch;
mod error;
mod import;
mod listen;
mod read;
mod schema;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{Clock, CommandId, Envelope, EventId, Position, Revision, StreamName};
use futures_util::future::BoxFuture;
use sqlx::Connection;
use sqlx::postgres::{PgPool, PgPoolOptions};
use tokio::sync::watch;

pub use self::import::PostgresImport;
use self::listen::Hints;
use self::writer::Writer;
use crate::error::OpenError;
use crate::follow::follow;
use crate::group_commit::Queue;
use crate::group_read::{Streams, beyond};
use crate::port::{Append, AppendError, Appended, EventStore, Follow, ReadError};
use crate::stored::StoredEvent;

/// Four that read, and one that listens.
const CONNECTIONS: u32 = 5;

/// How long a read waits for a free connection, or for a new one.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection that was used this recently is used again without a test, which would double the
/// round trips of a read.
const FRESH: Duration = Duration::from_secs(1);

/// The event log in a PostgreSQL database.
///
/// An append that was answered survives a power cut, where the server syncs its disk.
pub struct PostgresEventStore {
    /// `None` where the log is only read.
    queue: Option<Queue>,
    readers: PgPool,
    streams: Streams,
    /// The last position that is known to be appended.
    head: watch::Receiver<Position>,
    _hints: Option<Hints>,
}

impl PostgresEventStore {
    /// Opens the log at `url`, as libpq understands it, makes its tables where there are none,
    /// and starts its writer. The writer ends with the store, after what is in line.
    ///
    /// # Errors
    /// The database does not answer, is not in UTF-8, or lacks tables that the role may not make.
    pub async fn open(url: &str, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let options = schema::options(url)?;
        schema::prepare(&options).await?;
        let readers = readers()
            // They only send hints, which need not be on the disk.
            .connect_lazy_with(options.clone().options([("synchronous_commit", "off")]));
        let (head_sender, head) = watch::channel(Position(0));
        let (appended_sender, appended) = watch::channel(Position(0));
        let hints = Hints::start(&readers, appended, head_sender.clone());
        let writer = Writer::new(options, clock, appended_sender);
        let queue = Queue::start(writer, head_sender).map_err(OpenError::Thread)?;
        Ok(Self {
            queue: Some(queue),
            streams: streams(&readers),
            readers,
            head,
            _hints: Some(hints),
        })
    }

    /// Opens the log at `url`, whose tables must be there, to read it alone: in read-only
    /// transactions, by a role that need not have any other right. Appends fail.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn open_read_only(url: &str) -> Result<Self, OpenError> {
        let options = schema::read_only_options(url)?;
        let readers = readers().connect_with(options).await;
        let readers = readers.map_err(OpenError::Connect)?;
        let (_, head) = watch::channel(Position(0));
        Ok(Self {
            queue: None,
            streams: streams(&readers),
            readers,
            head,
            _hints: None,
        })
    }
}

fn streams(readers: &PgPool) -> Streams {
    let readers = readers.clone();
    Streams::start(Box::new(move |asked| {
        let readers = readers.clone();
        Box::pin(async move { read::streams(&readers, &asked).await })
    }))
}

fn readers() -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, used| {
            Box::pin(async move {
                if used.idle_for > FRESH {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
}

#[async_trait]
impl EventStore for PostgresEventStore {
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
        match &self.queue {
            // The writer looks at the head, and knows why it cannot.
            Some(queue) => queue.probe().await,
            None => self.head().await.map(|_| ()),
        }
    }

    fn follow(&self, after: Position) -> Follow {
        let readers = self.readers.clone();
        let read_page = move |after, limit| -> BoxFuture<'static, _> {
            let readers = readers.clone();
            Box::pin(async move { read::page(&readers, after, limit).await })
        };
        follow(Box::new(read_page), self.head.clone(), after)
    }
}

#[cfg(test)]
mod tests;
