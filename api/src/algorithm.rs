//! Algorithms and their versions over GraphQL.

pub mod mutation;
pub mod query;
pub mod types;

pub use types::{Algorithm, Version};
