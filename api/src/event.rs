//! The event log over GraphQL.

pub mod query;
pub mod subscription;
pub mod types;

pub use types::Event;
