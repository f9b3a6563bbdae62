//! Listeners over GraphQL.

pub mod mutation;
pub mod query;
pub mod settings;
pub mod types;

pub use types::Listener;
