//! Positions and revisions as databases count: signed.

/// `number` as a database counts. No log gets past its largest integer, so nothing is there either
/// way.
pub(crate) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
