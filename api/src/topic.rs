//! Topics over GraphQL.

pub mod query;
pub mod types;

pub use types::Topic;
