//! The event log over GraphQL.

pub mod history;
pub mod query;
pub mod subscription;
pub mod types;
pub mod undo;
pub(crate) mod words;

pub use types::Event;
