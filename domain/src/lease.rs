//! Leases: what may have one holder only, and how it is taken, kept and given back.
//!
//! A lease excludes nobody by itself: its holder may sleep, and wake when somebody else has it. So
//! the epoch of each holder is higher than those before, and is written into the store that the
//! lease guards; what a former holder still does is refused there
//! (`docs/adr/0047-leases-guard-nothing-by-themselves.md`).
//!
//! The rules are here, for every store of leases alike. A store keeps a record for each lease and
//! replaces it if nobody else did since it was read.

mod rules;

use std::error::Error;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::rules::{Asked, Held, Taken, give_back, is_free, renew, take};
use crate::ids::WorkerId;
use crate::run::BoxFuture;

/// How long a lease lasts unless it is renewed, and how often it is.
pub const TERM: Duration = Duration::from_secs(15);
pub const RENEW_EVERY: Duration = Duration::from_secs(5);

/// What may have one holder only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Leased {
    /// The assignments, where each worker has a journal of its own.
    Assignments,
    /// What a worker left undone in a journal that it shares: its own, until it is gone.
    Worker(WorkerId),
}

/// The name that a store keeps it under.
impl fmt::Display for Leased {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Assignments => f.write_str("assignments"),
            Self::Worker(id) => write!(f, "worker-{id}"),
        }
    }
}

/// Who holds a lease: a worker on its data directory. The directory is locked by one process at a
/// time, so a holder that comes again was started again, and goes on at once. A copy of the directory
/// is another place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Holder {
    pub worker: WorkerId,
    pub place: Uuid,
}

/// The number of a holder's time; each is higher than those before.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A lease as a store has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    pub holder: Holder,
    pub epoch: Epoch,
    /// Rises with every write.
    pub version: u64,
    /// How long it still lasted when it was read, by the store's clock; zero once it is over.
    pub remaining: Duration,
}

/// What a record is replaced by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub holder: Holder,
    pub epoch: Epoch,
    /// How long it lasts from when it is written, by the store's clock; zero gives it back.
    pub term: Duration,
}

/// A lease that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    pub leased: Leased,
    pub holder: Holder,
    pub epoch: Epoch,
    /// Of the last record that the holder knows of.
    pub version: u64,
}

/// Why a store of leases gave no answer.
#[derive(Debug, thiserror::Error)]
#[error("the leases are unavailable")]
pub struct LeaseError(#[source] pub Box<dyn Error + Send + Sync>);

/// What a store of leases answers.
pub type Answered<'a, T> = BoxFuture<'a, Result<T, LeaseError>>;

/// Where leases are kept.
pub trait LeaseStore: Send + Sync {
    /// The record of a lease; none before it was ever taken.
    fn read(&self, leased: Leased) -> Answered<'_, Option<Record>>;

    /// Replaces the record that has the version `after`, 0 where there is none. Returns the new
    /// version; none if the record is another one by now, which is left as it is.
    fn replace(&self, leased: Leased, after: u64, entry: Entry) -> Answered<'_, Option<u64>>;
}
