//! What PostgreSQL's error codes mean to the log.

/// A constraint refused a row.
const INTEGRITY_CONSTRAINT_VIOLATION: &str = "23";

/// The server ends connections, as when it is stopped.
const OPERATOR_INTERVENTION: &str = "57P";

/// Whether a constraint refused a row.
pub(super) fn is_violation(error: &sqlx::Error) -> bool {
    has_code(error, INTEGRITY_CONSTRAINT_VIOLATION)
}

/// Whether the connection is gone, so that a new one may do better.
pub(super) fn is_lost(error: &sqlx::Error) -> bool {
    error.as_database_error().is_none() || has_code(error, OPERATOR_INTERVENTION)
}

fn has_code(error: &sqlx::Error, prefix: &str) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code.starts_with(prefix))
}
