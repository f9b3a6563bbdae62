//! The log in KurrentDB: one of its streams holds the events of all of ours, in order.
//!
//! The revision in that stream is the position, so positions are gapless, an append is atomic
//! whatever it touches, and who appends names the position it goes on from: of two processes that
//! append at once one is refused, learns what the other appended, and decides again. What the
//! database does not know (the revisions of our streams, the commands that were appended) each
//! process keeps in memory, made from the log; see ADR 11.
//!
//! # The URL
//!
//! That of the client, `kurrentdb://user:password@host:2113?tls=true`, with several hosts or
//! `kurrentdb+discover:` for a cluster, and one parameter more: `log`, the name of the stream,
//! `eventflows` by default. The user needs the rights to read and write that stream. Nothing else
//! may write to it, and it must have no limit on its age or length.

mod address;
mod ahead;
mod appender;
mod failure;
mod feed;
mod fetch;
mod import;
mod index;
pub(crate) mod leases;
mod link;
mod log;
mod page;
mod record;
mod writer;

use std::sync::Arc;

use async_trait::async_trait;
use domain::{Clock, CommandId, Envelope, Position, Revision, StreamName};
use futures_util::future::BoxFuture;

use self::address::Address;
use self::ahead::Ahead;
use self::failure::Failure;
use self::feed::Feed;
pub use self::import::KurrentDbImport;
use self::link::Link;
use self::log::Log;
use self::record::Record;
use self::writer::Writer;
use crate::error::OpenError;
use crate::follow::follow;
use crate::group_commit::Queue;
use crate::port::{Append, AppendError, Appended, EventStore, Follow, ReadError};
use crate::stored::StoredEvent;

/// Events read at once where nobody says how many; tests have several pages.
const PAGE: usize = if cfg!(test) { 64 } else { 2048 };

/// The event log in a stream of KurrentDB.
///
/// An append that was answered is on the disks of as many nodes as the cluster demands.
pub struct KurrentDbEventStore {
    /// `None` where the log is only read.
    queue: Option<Queue>,
    reader: Arc<Reader>,
}

/// What reads the log, for as long as a follower needs it.
struct Reader {
    log: Arc<Log>,
    link: Link,
    /// `None` where nothing but the log itself is read.
    _feed: Option<Feed>,
}

impl KurrentDbEventStore {
    /// Opens the log at `url`, and starts to learn what it holds. The database need not be there
    /// yet: until it is, appends and reads fail and followers wait.
    ///
    /// # Errors
    /// The URL is not one of KurrentDB, or a thread cannot be started.
    pub fn open(url: &str, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let address = Address::parse(url)?;
        let log = Arc::new(Log::new(&address.stream));
        let writer = Writer::new(Link::new(&address), Arc::clone(&log), clock);
        let queue = Queue::start(writer, log.head().clone()).map_err(OpenError::Thread)?;
        let feed = Feed::start(Link::new(&address), Arc::clone(&log)).map_err(OpenError::Thread)?;
        Ok(Self {
            queue: Some(queue),
            reader: Arc::new(Reader {
                log,
                link: Link::new(&address),
                _feed: Some(feed),
            }),
        })
    }

    /// Opens the log at `url` to read it alone, with what the right to read its stream allows.
    /// Appends fail.
    ///
    /// # Errors
    /// The URL is not one of KurrentDB.
    pub fn open_read_only(url: &str) -> Result<Self, OpenError> {
        let address = Address::parse(url)?;
        Ok(Self {
            queue: None,
            reader: Arc::new(Reader {
                log: Arc::new(Log::new(&address.stream)),
                link: Link::new(&address),
                _feed: None,
            }),
        })
    }
}

#[async_trait]
impl EventStore for KurrentDbEventStore {
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
        let found = self.appended_each(&[command]).await?;
        Ok(found.into_iter().next().flatten())
    }

    async fn appended_each(
        &self,
        commands: &[CommandId],
    ) -> Result<Vec<Option<(Appended, [u8; 32])>>, ReadError> {
        let Reader { log, link, .. } = &*self.reader;
        if !log.knows_commands(commands) {
            // Another process may have appended them, a moment ago.
            log.refresh(link).await?;
        }
        Ok(log.commands(link, commands).await?)
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        from: Revision,
        limit: usize,
    ) -> Result<Vec<Envelope>, ReadError> {
        let Reader { log, link, .. } = &*self.reader;
        log.catch_up(link).await?;
        let records = log.stream(link, stream, from, limit).await?;
        let envelopes: Result<_, Failure> = records.iter().map(Record::envelope).collect();
        Ok(envelopes?)
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Envelope>, ReadError> {
        let Reader { log, link, .. } = &*self.reader;
        let mut envelopes = Vec::new();
        while envelopes.len() < limit {
            let after = Position(after.0.saturating_add(envelopes.len() as u64));
            let wanted = PAGE.min(limit - envelopes.len());
            let page = log.read(link, after, wanted).await?;
            for event in &page.events {
                envelopes.push(Record::decode(event)?.envelope()?);
            }
            if page.events.len() < wanted {
                break;
            }
        }
        Ok(envelopes)
    }

    async fn read_stored(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, ReadError> {
        let Reader { log, link, .. } = &*self.reader;
        let mut stored = Vec::new();
        while stored.len() < limit {
            let after = Position(after.0.saturating_add(stored.len() as u64));
            let wanted = PAGE.min(limit - stored.len());
            let page = match log.read(link, after, wanted).await {
                // What stands before a hole.
                Err(Failure::Damaged { position, .. }) if position.0 > after.0 + 1 => {
                    let before = usize::try_from(position.0 - after.0 - 1).unwrap_or(wanted);
                    log.read(link, after, before).await?
                }
                page => page?,
            };
            for event in &page.events {
                match Record::decode(event) {
                    Ok(record) => stored.push(record.stored),
                    Err(damage) if stored.is_empty() => return Err(damage.into()),
                    Err(_) => return Ok(stored),
                }
            }
            if page.events.len() < wanted {
                break;
            }
        }
        Ok(stored)
    }

    async fn head(&self) -> Result<Position, ReadError> {
        let Reader { log, link, .. } = &*self.reader;
        Ok(log.read(link, Position(0), 1).await?.head)
    }

    async fn ready(&self) -> Result<(), ReadError> {
        match &self.queue {
            Some(queue) => queue.probe().await,
            None => self.head().await.map(|_| ()),
        }
    }

    fn follow(&self, after: Position) -> Follow {
        let reader = Arc::clone(&self.reader);
        let head = reader.log.head().subscribe();
        let ahead = Arc::new(Ahead::default());
        let read_page = move |after, limit| -> BoxFuture<'static, _> {
            let (reader, ahead) = (Arc::clone(&reader), Arc::clone(&ahead));
            Box::pin(async move {
                let page = reader.log.page(&reader.link, after, limit, &ahead).await;
                Ok(page?)
            })
        };
        follow(Box::new(read_page), head, after)
    }
}

#[cfg(test)]
mod tests;
