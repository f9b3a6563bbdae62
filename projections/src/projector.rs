//! Applies the log to the read tables: a batch of events and the checkpoint in one transaction.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use domain::codec::{self, DecodeError};
use domain::{Envelope, Event, Position};
use event_store::{EventStore, ReadError};
use futures_util::StreamExt;
use sqlx::{Connection, SqliteConnection};
use tokio_util::sync::CancellationToken;

use crate::read::{self, ReadModel, ReadModelError};
use crate::{
    algorithm, assignment, connection, grant, listener, organization, publisher, topic, worker,
};

/// Events applied in one transaction at most.
const BATCH: usize = 512;

/// Between two tries to write a batch that the database did not take: on a full disk, say.
const PAUSE: Duration = Duration::from_secs(1);

/// Why a projection stopped. It stops rather than skip.
#[derive(Debug, thiserror::Error)]
pub enum ProjectorError {
    #[error("the event log could not be followed")]
    Read(#[from] ReadError),
    #[error("the event at position {position} could not be decoded")]
    Decode {
        position: Position,
        #[source]
        source: DecodeError,
    },
    #[error("the read tables could not be written")]
    Write(#[from] ReadModelError),
}

impl From<sqlx::Error> for ProjectorError {
    fn from(error: sqlx::Error) -> Self {
        Self::Write(error.into())
    }
}

/// Keeps a [`ReadModel`] up with the log.
pub struct Projector {
    model: ReadModel,
    store: Arc<dyn EventStore>,
}

/// An event with the parts of its envelope that rows show.
pub(crate) struct Fact<'a> {
    pub(crate) event: &'a Event,
    pub(crate) position: i64,
    /// Microseconds since 1970.
    pub(crate) at: i64,
}

impl Projector {
    /// A projector of `store` into `model`. There must be one per model at a time.
    #[must_use]
    pub fn new(model: ReadModel, store: Arc<dyn EventStore>) -> Self {
        Self { model, store }
    }

    /// Follows the log from the checkpoint on, until `shutdown`.
    ///
    /// # Errors
    /// The log is damaged, or holds an event that this program does not know. The rows then stand
    /// at the last batch that was committed. A database that cannot be written is tried again.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), ProjectorError> {
        let after = self.model.position();
        let mut events = self.store.follow(after).ready_chunks(BATCH);
        loop {
            let batch = tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                batch = events.next() => batch,
            };
            let Some(batch) = batch else { return Ok(()) };
            let batch: Vec<Envelope> = batch.into_iter().collect::<Result<_, _>>()?;
            while let Err(error) = self.apply(&batch).await {
                let ProjectorError::Write(error @ ReadModelError::Database(_)) = error else {
                    return Err(error);
                };
                tracing::error!(
                    error = &error as &dyn Error,
                    "the read tables do not keep up"
                );
                tokio::select! {
                    () = shutdown.cancelled() => return Ok(()),
                    () = tokio::time::sleep(PAUSE) => {}
                }
            }
        }
    }

    /// Applies `batch`, which continues where the last one ended.
    ///
    /// # Errors
    /// As [`Projector::run`].
    pub async fn apply(&self, batch: &[Envelope]) -> Result<(), ProjectorError> {
        let Some(last) = batch.last() else {
            return Ok(());
        };
        let mut connection = self.model.writer.acquire().await?;
        let applied = apply_all(&mut connection, batch).await;
        if applied.is_err() {
            // Where SQLite itself has rolled back, sqlx still counts the transaction as open.
            connection.close_on_drop();
        }
        applied?;
        self.model.reached.send_replace(last.position);
        Ok(())
    }
}

/// Applies a batch and moves the checkpoint to its end, in one transaction.
async fn apply_all(
    connection: &mut SqliteConnection,
    batch: &[Envelope],
) -> Result<(), ProjectorError> {
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    for envelope in batch {
        let event = codec::decode(envelope).map_err(|source| ProjectorError::Decode {
            position: envelope.position,
            source,
        })?;
        let fact = Fact {
            event: &event,
            position: read::stored_position(envelope.position),
            at: envelope.recorded_at.as_microsecond(),
        };
        apply(&mut tx, &fact).await?;
    }
    if let Some(last) = batch.last() {
        sqlx::query("UPDATE checkpoint SET position = ?1 WHERE id = 1")
            .bind(read::stored_position(last.position))
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Every noun takes of a fact what concerns it; assignments last, since they are made of the rest.
async fn apply(tx: &mut SqliteConnection, fact: &Fact<'_>) -> Result<(), ReadModelError> {
    organization::apply(tx, fact).await?;
    algorithm::apply(tx, fact).await?;
    connection::apply(tx, fact).await?;
    topic::apply(tx, fact).await?;
    grant::apply(tx, fact).await?;
    listener::apply(tx, fact).await?;
    publisher::apply(tx, fact).await?;
    worker::apply(tx, fact).await?;
    assignment::apply(tx, fact).await
}
