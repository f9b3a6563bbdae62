//! What changes of what clients show, followed.

mod scope;
pub mod subscription;
mod touched;
pub mod types;

pub use types::{Change, Changes, Kind};
