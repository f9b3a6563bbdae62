//! Why a log could not be opened or followed.

use domain::Position;
use domain::codec::DecodeError;
use sqlx::migrate::MigrateError;

use crate::port::ReadError;

/// Why a log could not be opened. No text of it holds the URL, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("an event log is named by `sqlite:PATH`, `postgres://…` or `kurrentdb://…`")]
    NoUrl,
    #[error(
        "`{0}:` is no kind of event log: it is named by `sqlite:PATH`, `postgres://…` or \
         `kurrentdb://…`"
    )]
    UnknownKind(String),
    #[error(
        "this program is built without KurrentDB: `cargo build --features kurrentdb` builds it in"
    )]
    KurrentDb,
    #[error("the URL of the event log is not one that the client of KurrentDB understands")]
    KurrentDbUrl,
    #[error("the name of a log in KurrentDB has 1 to 128 of the characters a-z, A-Z, 0-9, -, _, .")]
    KurrentDbLog,
    #[error("the URL of the event log cannot be understood")]
    Url(#[source] sqlx::Error),
    #[error("cannot open the event log")]
    Connect(#[source] sqlx::Error),
    #[error("cannot bring the event log's tables up to date")]
    Migrate(#[source] MigrateError),
    #[error("the event log's database must have the encoding UTF8, and has {0}")]
    Encoding(String),
    /// Older ones can corrupt a file when the write-ahead log is reset.
    #[error("SQLite {0} has a bug that can corrupt the event log; use 3.51.3, or 3.53 and later")]
    UnsafeSqlite(String),
    /// Only said of a log that is to be copied into.
    #[error("the event log is in use: a server, another copy or an audit has it open")]
    InUse,
    #[error("the thread of the log's writer cannot be started")]
    Thread(#[source] std::io::Error),
}

/// Why a reader of the log stopped. It stops rather than skip an event.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    #[error("the event log could not be followed")]
    Read(#[from] ReadError),
    #[error("the event at position {position} could not be decoded")]
    Decode {
        position: Position,
        #[source]
        source: DecodeError,
    },
}
