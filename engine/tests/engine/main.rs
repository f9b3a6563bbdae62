//! The engine and its policy against a real log.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cluster;
mod commands;
mod crashes;
mod policies;
mod topics;
mod undo;
