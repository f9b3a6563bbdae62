//! The port that every backend implements.
//!
//! Rules for all of them, held by the contract suite: positions are a total order that a reader
//! can trust (a reader at p never later sees a new event at or below p); an append is all or
//! nothing; the same command id appends once and answers the same ever after.

use async_trait::async_trait;
use domain::{CommandId, Envelope, EventId, Meta, NewEvent, Position, Revision, StreamName};
use futures_util::stream::BoxStream;

use crate::stored::StoredEvent;

/// The largest payload that any backend takes, in bytes.
pub const MAX_PAYLOAD_BYTES: usize = 1024 * 1024;

/// Events read at once to find one.
const FIND_PAGE: usize = 1024;

/// What a caller believes about a stream when it appends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It has no events.
    NoStream,
    /// Its last event has this revision.
    Exact(Revision),
}

/// Events of one command for one stream.
#[derive(Clone, Debug)]
pub struct Append {
    pub stream: StreamName,
    pub expected: Expected,
    /// Appending the same command again answers what the first append answered.
    pub command: CommandId,
    /// A digest of the command's content: the same id with another digest is refused.
    pub fingerprint: [u8; 32],
    pub meta: Meta,
    /// At least one.
    pub events: Vec<NewEvent>,
}

/// Where the events of a command stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    pub first: Position,
    pub last: Position,
    /// The stream's revision after it.
    pub revision: Revision,
}

/// Why nothing was appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    #[error("{stream} has moved on to {actual:?}")]
    Conflict {
        stream: StreamName,
        /// The stream's last revision now; `None` where it has no events.
        actual: Option<Revision>,
    },
    #[error("the command {0} was used before with another content")]
    CommandReused(CommandId),
    #[error("a {type_name} payload of {bytes} bytes is over the limit of {MAX_PAYLOAD_BYTES}")]
    PayloadTooLarge {
        type_name: &'static str,
        bytes: usize,
    },
    #[error("an append without events")]
    Empty,
    /// Ids are [`EventId::of_command`], which makes them unique as commands are.
    #[error("the id of an event does not follow from the command {0}")]
    ForeignEventId(CommandId),
    /// The backend could not answer; the append may or may not have happened, and the same
    /// command id may be appended again to find out.
    #[error("the event log is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why events could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("the event log is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What is stored is not what was appended.
    #[error("the event log is damaged at position {position}: {problem}")]
    Damaged { position: Position, problem: String },
}

/// Events from a position on, for ever: those there are, then those to come, in order, without
/// gap or duplicate. A follower that lost its database waits for it; it ends only on damage.
pub type Follow = BoxStream<'static, Result<Envelope, ReadError>>;

/// The append-only log of domain events.
#[async_trait]
pub trait EventStore: Send + Sync {
    /// Appends the events of one command to one stream.
    async fn append(&self, append: Append) -> Result<Appended, AppendError>;

    /// Where the events of `command` stand, with the digest they were appended under, if it was
    /// appended.
    async fn appended(&self, command: CommandId)
    -> Result<Option<(Appended, [u8; 32])>, ReadError>;

    /// What [`Self::appended`] answers for each of `commands`, in their order.
    ///
    /// A backend that does not override it is asked for one after the other.
    async fn appended_each(
        &self,
        commands: &[CommandId],
    ) -> Result<Vec<Option<(Appended, [u8; 32])>>, ReadError> {
        let mut answers = Vec::with_capacity(commands.len());
        for command in commands {
            answers.push(self.appended(*command).await?);
        }
        Ok(answers)
    }

    /// Up to `limit` events of `stream`, from revision `from` on, in order.
    async fn read_stream(
        &self,
        stream: &StreamName,
        from: Revision,
        limit: usize,
    ) -> Result<Vec<Envelope>, ReadError>;

    /// Up to `limit` events after `after`, in order.
    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Envelope>, ReadError>;

    /// The events at those positions, in order; positions that the log does not reach are left out.
    ///
    /// A backend that does not override it reads what follows on each other at once.
    async fn read_at(&self, positions: &[Position]) -> Result<Vec<Envelope>, ReadError> {
        let mut sorted = positions.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let mut found = Vec::with_capacity(sorted.len());
        for run in sorted.chunk_by(|one, next| one.0 + 1 == next.0) {
            if let Some(before) = run[0].0.checked_sub(1) {
                found.extend(self.read_all(Position(before), run.len()).await?);
            }
        }
        Ok(found)
    }

    /// Up to `limit` events after `after`, in order, as they are stored. Fewer come before one that
    /// cannot be read, and an error only where that is the first of them.
    ///
    /// A backend that does not override it finds no change of metadata that leaves its meaning.
    async fn read_stored(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, ReadError> {
        let envelopes = self.read_all(after, limit).await?;
        Ok(envelopes.into_iter().map(StoredEvent::from).collect())
    }

    /// Where the event with this id stands, if it is there.
    ///
    /// A backend that does not override it is read from the beginning.
    async fn find(&self, id: EventId) -> Result<Option<Position>, ReadError> {
        let mut after = Position(0);
        loop {
            let page = self.read_stored(after, FIND_PAGE).await?;
            if let Some(found) = page.iter().find(|event| event.id == id) {
                return Ok(Some(found.position));
            }
            let Some(last) = page.last() else {
                return Ok(None);
            };
            after = last.position;
        }
    }

    /// The position of the last event; 0 in an empty log.
    async fn head(&self) -> Result<Position, ReadError>;

    /// Nothing, where the log can be read and, as far as can be told without an event, appended
    /// to. While appends fail, this says why, and finds out when they can go on.
    ///
    /// A backend that does not override it is only read.
    async fn ready(&self) -> Result<(), ReadError> {
        self.head().await.map(|_| ())
    }

    /// Follows the log from after `after`.
    fn follow(&self, after: Position) -> Follow;
}
