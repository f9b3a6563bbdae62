//! Grants over GraphQL.

pub mod add;
pub mod edit;
mod input;
pub mod mutation;
pub mod query;
pub mod remove;
pub mod types;

pub use types::{Grant, GrantAccess};
