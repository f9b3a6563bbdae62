//! Algorithms and their versions over GraphQL.

pub mod mutation;
pub mod publish_version;
pub mod query;
pub mod register;
pub mod retire;
pub mod topic;
pub mod types;
pub mod withdraw_preview;
pub mod withdraw_version;

pub use types::{Algorithm, Version};
