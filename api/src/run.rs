//! Runs and ledgers over GraphQL. They live in the workers' journal, behind a port.

pub mod query;
pub mod target;
pub mod types;

pub use types::{Ledger, Run};
