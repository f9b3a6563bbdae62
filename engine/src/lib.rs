//! Load, decide, append, retry: the way from a command to events, and the policies that answer
//! events with commands.

pub mod connect;
mod discover;
pub mod execute;
pub mod policy;
pub mod undo;

pub use event_store::{EventFeed, ReadError};
pub use execute::{Accepted, Engine, Failure, Outcome, Request, Seen, Stale};
