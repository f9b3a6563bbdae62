//! How far workers have come, and how long that lasts.

use domain::Position;
use domain::worker::LEASE;
use jiff::{SignedDuration, Timestamp};

/// How long a worker is remembered that has not left in order.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// A lease that began at this time or before has ended at `now`.
pub(super) fn ended_before(now: Timestamp) -> i64 {
    now.checked_sub(LEASE)
        .unwrap_or(Timestamp::MIN)
        .as_microsecond()
}

/// A worker that last confirmed before this is forgotten at `now`.
pub(super) fn forgotten_before(now: Timestamp) -> i64 {
    let before = now.checked_sub(KEPT).unwrap_or(Timestamp::MIN);
    before.as_microsecond()
}

/// A position as it is stored.
pub(super) fn stored(position: Position) -> i64 {
    i64::try_from(position.0).unwrap_or(i64::MAX)
}

/// A position that was stored.
pub(super) fn read(position: i64) -> Position {
    Position(u64::try_from(position).unwrap_or_default())
}
