//! SQLite's own error codes.

/// Another connection holds a lock.
pub(super) const SQLITE_BUSY: u32 = 5;

/// A constraint or a trigger refused a row.
pub(super) const SQLITE_CONSTRAINT: u32 = 19;

/// The kind of failure, where SQLite reported it.
pub(super) fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let extended: u32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(extended & 0xff)
}
