//! Organizations over GraphQL.

pub mod add_member;
pub mod create;
pub mod mutation;
pub mod query;
pub mod remove_member;
pub mod types;
pub mod update_member;

pub use types::{Organization, OrganizationRole};
