//! Organizations over GraphQL.

pub mod add_member;
pub mod change_role;
pub mod create;
pub mod mutation;
pub mod query;
pub mod remove_member;
pub mod types;

pub use types::{Organization, Role};
