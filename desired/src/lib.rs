//! The desired state of a cluster as documents: export, compare, apply.
//!
//! A client of a server's API like any other: what it changes goes through the same mutations, is
//! refused for the same reasons and is recorded in the same way.

mod actual;
mod apply;
mod change;
mod difference;
mod failure;
mod plan;
mod problem;
mod removal;
mod state;
mod wanted;

pub use apply::ApplyError;
pub use failure::Failure;
pub use plan::{Console, Options, apply, diff, export};
pub use problem::Problem;
pub use removal::{Prune, TooManyRemovals};
pub use wanted::input::{InputError, Origin, SourcePosition};
