//! The event log: one port, several backends, one contract suite.

pub mod audit;
mod batch;
#[cfg(test)]
mod contract;
pub mod copy;
mod error;
mod feed;
mod follow;
mod group_commit;
mod group_read;
pub mod import;
mod integer;
#[cfg(feature = "kurrentdb")]
pub mod kurrentdb;
pub mod leases;
pub mod open;
pub mod port;
pub mod postgres;
mod sql;
pub mod sqlite;
mod stored;

pub use copy::{Copied, CopyError, copy};
pub use error::{FollowError, OpenError};
pub use feed::{EventFeed, Events};
pub use follow::decode;
pub use import::{Import, ImportError, StoredBatch, StoredCommand};
#[cfg(feature = "kurrentdb")]
pub use kurrentdb::{KurrentDbEventStore, KurrentDbImport};
pub use open::{LogUrl, open, open_import, open_read_only};
pub use port::{
    Append, AppendError, Appended, EventStore, Expected, Follow, MAX_PAYLOAD_BYTES, ReadError,
};
pub use postgres::{PostgresEventStore, PostgresImport};
pub use sqlite::{SqliteEventStore, SqliteImport};
pub use stored::StoredEvent;
