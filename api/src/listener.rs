//! Listeners over GraphQL.

pub mod activity;
pub mod batching;
pub mod consumer;
pub mod disable;
pub mod enable;
mod expression;
pub mod mutation;
mod ordering;
pub mod pause;
pub mod query;
pub mod reset_position;
pub mod reset_preview;
pub mod resume;
pub mod resumption;
pub mod sampling;
pub mod series;
pub mod settings;
pub mod settings_patch;
pub mod subscription;
pub mod types;
pub mod update;

pub use types::Listener;
