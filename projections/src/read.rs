//! The database of the read models.

use std::path::Path;
use std::time::Duration;

use domain::{NameError, Position};
use jiff::Timestamp;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use tokio::sync::watch;

/// Connections that serve queries.
const READERS: u32 = 4;

/// Why a read model could not answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadModelError {
    #[error("the read models are unavailable")]
    Database(#[from] sqlx::Error),
    #[error("the read models could not be migrated")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A row that no projection of this program wrote; a rebuild mends it.
    #[error("a stored row could not be read")]
    Row(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the read models did not reach position {wanted} in time")]
    Behind { wanted: Position },
}

impl From<NameError> for ReadModelError {
    fn from(error: NameError) -> Self {
        Self::Row(Box::new(error))
    }
}

impl From<serde_json::Error> for ReadModelError {
    fn from(error: serde_json::Error) -> Self {
        Self::Row(Box::new(error))
    }
}

/// The read models, for queries. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ReadModel {
    pub(crate) readers: SqlitePool,
    pub(crate) writer: SqlitePool,
    pub(crate) reached: watch::Sender<Position>,
}

impl ReadModel {
    /// Opens the database at `path`, creating and migrating it as needed.
    ///
    /// Its commits may be lost with the power, since all of it can be derived again.
    ///
    /// # Errors
    /// The file cannot be opened or migrated.
    pub async fn open(path: &Path) -> Result<Self, ReadModelError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(5));
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options.clone())
            .await?;
        sqlx::migrate!("../migrations/sqlite/read")
            .run(&writer)
            .await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_with(options.read_only(true))
            .await?;
        let (reached, _) = watch::channel(checkpoint(&writer).await?);
        Ok(Self {
            readers,
            writer,
            reached,
        })
    }

    /// The position that the rows reflect.
    #[must_use]
    pub fn position(&self) -> Position {
        *self.reached.borrow()
    }

    /// Changes whenever the rows have moved on.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Position> {
        self.reached.subscribe()
    }

    /// Waits until the rows reflect `wanted`.
    ///
    /// # Errors
    /// They did not within `patience`.
    pub async fn wait_for(
        &self,
        wanted: Position,
        patience: Duration,
    ) -> Result<(), ReadModelError> {
        let mut reached = self.watch();
        let arrived = reached.wait_for(|position| *position >= wanted);
        match tokio::time::timeout(patience, arrived).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(ReadModelError::Behind { wanted }),
        }
    }
}

/// The stored checkpoint.
pub(crate) async fn checkpoint(
    executor: impl sqlx::SqliteExecutor<'_>,
) -> Result<Position, sqlx::Error> {
    let position: i64 = sqlx::query_scalar("SELECT position FROM checkpoint WHERE id = 1")
        .fetch_one(executor)
        .await?;
    Ok(position_of(position))
}

/// A stored position. SQLite's integers are signed; positions written here never are negative.
pub(crate) fn position_of(stored: i64) -> Position {
    Position(stored.unsigned_abs())
}

/// A position as stored.
pub(crate) fn stored_position(position: Position) -> i64 {
    i64::try_from(position.0).expect("a log of more than 2^63 events cannot exist")
}

/// A stored time: microseconds since 1970.
pub(crate) fn time_of(stored: i64) -> Result<Timestamp, ReadModelError> {
    Timestamp::from_microsecond(stored).map_err(|error| ReadModelError::Row(Box::new(error)))
}
