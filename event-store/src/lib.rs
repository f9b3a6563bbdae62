//! The event log: one port, several backends, one contract suite.

#[cfg(test)]
mod contract;
mod follow;
pub mod port;
pub mod sqlite;

pub use port::{
    Append, AppendError, Appended, EventStore, Expected, Follow, MAX_PAYLOAD_BYTES, ReadError,
};
pub use sqlite::{OpenError, SqliteEventStore};
