//! Why the read models could not answer, or not be kept up with the log.

use std::error::Error;

use domain::{NameError, Position};
use event_store::{FollowError, ReadError};

/// Why a read model could not answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadModelError {
    #[error("the read models are unavailable")]
    Database(#[source] Box<dyn Error + Send + Sync>),
    #[error("the read models could not be migrated")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A row that no projection of this program wrote; a rebuild mends it.
    #[error("a stored row could not be read")]
    Row(#[source] Box<dyn Error + Send + Sync>),
    #[error("the read models did not reach position {wanted} in time")]
    Behind { wanted: Position },
    /// It was replaced, and removed while no connection of this process kept it.
    #[error("generation {0} of the read tables was removed")]
    Gone(u64),
    #[error("the database of the read models is named by `postgres://…`")]
    NoUrl,
    /// Its text does not hold the URL, which may hold a password.
    #[error("the URL of the read models cannot be understood")]
    Url(#[source] sqlx::Error),
    #[error("the read models' database must have the encoding UTF8, and has {0}")]
    Encoding(String),
    /// Older ones can corrupt a file when the write-ahead log is reset.
    #[error("SQLite {0} has a bug that can corrupt the read models; use 3.51.3, or 3.53 and later")]
    UnsafeSqlite(String),
}

impl From<sqlx::Error> for ReadModelError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(Box::new(error))
    }
}

impl From<rusqlite::Error> for ReadModelError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(Box::new(error))
    }
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

/// Why a projection stopped. It stops rather than skip an event.
#[derive(Debug, thiserror::Error)]
pub enum ProjectorError {
    #[error(transparent)]
    Follow(#[from] FollowError),
    #[error("the read tables could not be written")]
    Write(#[from] ReadModelError),
    #[error("the next event does not follow position {checkpoint}, the read tables' checkpoint")]
    Gap { checkpoint: Position },
}

impl From<ReadError> for ProjectorError {
    fn from(error: ReadError) -> Self {
        Self::Follow(error.into())
    }
}
