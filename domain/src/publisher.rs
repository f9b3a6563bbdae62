//! Publishers: results of an algorithm's successful runs go to a topic.

pub mod change_version;
pub mod disable;
pub mod disable_orphaned;
pub mod enable;
pub mod event;

pub use change_version::ChangePublisherVersion;
pub use disable::DisablePublisher;
pub use disable_orphaned::DisableOrphanedPublisher;
pub use enable::EnablePublisher;
pub use event::{PublisherDisabled, PublisherEnabled, PublisherVersionChanged};
