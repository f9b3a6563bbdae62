//! What changes of what clients show, followed.

mod scope;
pub mod subscription;
pub mod types;

pub use types::{NodeChange, NodeChanges, NodeKind};
