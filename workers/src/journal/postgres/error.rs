//! What PostgreSQL's errors mean to the journal.

use std::sync::Arc;

use crate::journal::store::StoreError;

/// Classes of errors that lie in what was to be written: data, integrity.
const OF_OPERATIONS: [&str; 2] = ["22", "23"];

/// A deadlock, and a transaction that could not be put in line with others.
const COLLISIONS: [&str; 2] = ["40P01", "40001"];

/// The server ends connections, as when it is stopped.
const OPERATOR_INTERVENTION: &str = "57P";

pub(super) fn classify(error: sqlx::Error) -> StoreError {
    let is_of_operation = match &error {
        sqlx::Error::Database(_) => OF_OPERATIONS.iter().any(|class| has_code(&error, class)),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::RowNotFound => {
            true
        }
        _ => false,
    };
    if is_of_operation {
        StoreError::Operation(Arc::new(error))
    } else {
        StoreError::Unavailable(Arc::new(error))
    }
}

/// Whether two workers stood in each other's way, so that the batch may be begun again.
pub(super) fn is_collision(error: &sqlx::Error) -> bool {
    COLLISIONS.iter().any(|code| has_code(error, code))
}

/// Whether the connection is gone, so that a new one may do better.
pub(super) fn is_lost(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(_) | sqlx::Error::Protocol(_))
        || has_code(error, OPERATOR_INTERVENTION)
}

fn has_code(error: &sqlx::Error, prefix: &str) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code.starts_with(prefix))
}
