//! Listeners over GraphQL.

pub mod change_settings;
pub mod change_version;
pub mod clear_dlq;
pub mod disable;
pub mod enable;
pub mod mutation;
pub mod pause;
pub mod query;
pub mod resume;
pub mod set_dlq;
pub mod settings;
pub mod types;

pub use types::Listener;
