//! Grants over GraphQL.

pub mod edit;
pub mod mutation;
pub mod query;
pub mod types;

pub use types::{Access, Grant};
