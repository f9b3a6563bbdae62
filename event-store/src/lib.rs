//! The event log: one port, several backends, one contract suite.

pub mod audit;
mod batch;
#[cfg(test)]
mod contract;
mod follow;
mod group_commit;
mod integer;
pub mod open;
pub mod port;
pub mod postgres;
pub mod sqlite;
mod stored;

pub use open::{OpenError, open};
pub use port::{
    Append, AppendError, Appended, EventStore, Expected, Follow, MAX_PAYLOAD_BYTES, ReadError,
};
pub use postgres::PostgresEventStore;
pub use sqlite::SqliteEventStore;
pub use stored::StoredEvent;
