//! How far workers have come: a change that forbids something is in force once all of them obey it.

use std::time::Duration;

use crate::envelope::Position;
use crate::ids::WorkerId;
use crate::run::{BoxFuture, RunSourceError};

/// How long a worker may go on once it has confirmed that it obeys everything that is required.
pub const LEASE: Duration = Duration::from_secs(10);

/// How far a worker has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confirmed {
    /// It begins nothing that events up to this position forbid.
    pub applied: Position,
    /// What it had begun before and they forbid has ended, too, but for calls under way.
    pub ended: Position,
}

/// Where workers confirm how far they have come: the journal that they share.
pub trait Confirmations: Send + Sync {
    /// Requires of all workers that they obey the events up to `position`. One that does not stops
    /// by itself when its [`LEASE`] ends.
    fn require(&self, position: Position) -> BoxFuture<'_, Result<(), RunSourceError>>;

    /// The workers that may still be doing what events up to `position` forbid: they have not
    /// confirmed that they came so far, and their leases have not ended.
    fn unconfirmed(
        &self,
        position: Position,
    ) -> BoxFuture<'_, Result<Vec<WorkerId>, RunSourceError>>;
}
