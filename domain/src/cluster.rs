//! The cluster as a whole: what administrators do that is about no single thing.

mod event;
mod rebuild_read_models;

pub use event::ReadModelsRebuilt;
pub use rebuild_read_models::RebuildReadModels;
