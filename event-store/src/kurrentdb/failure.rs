//! Why KurrentDB gave no answer, or one that is no log.

use std::io;
use std::time::Duration;

use domain::Position;

use crate::port::ReadError;

#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("a client of KurrentDB cannot be made: {0}")]
    Client(String),
    #[error("KurrentDB could not be reached or refused")]
    Database(#[from] kurrentdb::Error),
    #[error("KurrentDB gave no answer in {0:?}")]
    Silent(Duration),
    #[error("KurrentDB ended its answer in the middle")]
    Cut,
    #[error("other processes were faster to append, again and again")]
    Outrun,
    #[error("the event log is damaged at position {position}: {problem}")]
    Damaged { position: Position, problem: String },
}

/// What the database's refusals of large events begin with.
const TOO_LARGE: &str = "Maximum";

impl Failure {
    /// Whether the same append would be refused again.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Database(kurrentdb::Error::Grpc { message, .. }) if message.starts_with(TOO_LARGE)
        )
    }
}

impl From<Failure> for ReadError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Damaged { position, problem } => Self::Damaged { position, problem },
            other => Self::Unavailable(Box::new(other)),
        }
    }
}

/// What the shared writer tells of any database.
impl From<Failure> for sqlx::Error {
    fn from(failure: Failure) -> Self {
        Self::Io(io::Error::other(failure))
    }
}
