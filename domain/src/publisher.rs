//! Publishers: results of an algorithm's successful runs go to a topic.

pub mod disable;
pub mod disable_orphaned;
pub mod enable;
pub mod event;
pub mod update;

pub use disable::DisablePublisher;
pub use disable_orphaned::DisableOrphanedPublisher;
pub use enable::EnablePublisher;
pub use event::{PublisherDisabled, PublisherEnabled, PublisherVersionChanged};
pub use update::UpdatePublisher;
