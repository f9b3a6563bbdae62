//! Grants over GraphQL.

pub mod add;
mod changes;
pub mod edit;
pub mod edit_patterns;
pub mod mutation;
pub mod query;
pub mod remove;
pub mod types;

pub use types::{Grant, GrantAccess};
