//! Load, decide, append, retry: the way from a command to events, and the policies that answer
//! events with commands.

// A match on events names each of them, so that a new one is asked for.
#![deny(clippy::wildcard_enum_match_arm)]

pub mod connect;
mod discover;
pub mod execute;
pub mod policy;
pub mod undo;

pub use event_store::{EventFeed, ReadError};
pub use execute::{Accepted, Engine, Failure, Outcome, Request, Seen, Stale};
