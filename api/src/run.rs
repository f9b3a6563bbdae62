//! Runs and ledgers over GraphQL. They live in the workers' journal, behind a port.

pub mod query;
pub mod sample;
pub mod target;
pub mod types;

use uuid::Uuid;

pub use types::{Ledger, Run};

/// What tells a run of a journal from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RunKey {
    /// The consumer group of its listener.
    pub group: Uuid,
    pub number: i64,
}
