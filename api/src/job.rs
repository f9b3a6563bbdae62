//! Long work that a mutation begins: followed step by step, and asked for its result.
//!
//! Jobs are observed, not recorded: what they come to is events, and what they are refused for is
//! decided again when the mutation is sent again.

pub mod payload;
pub mod query;
mod registry;
pub mod subscription;
pub mod types;

pub use registry::Jobs;
pub(crate) use registry::{JobId, Progress, Reached, result_within};
pub use types::{Job, JobStepKind, JobWork};
