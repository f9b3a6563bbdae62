//! Opens the log that a URL names.

use std::path::Path;
use std::sync::Arc;

use domain::Clock;
use sqlx::migrate::MigrateError;

use crate::port::EventStore;
use crate::postgres::PostgresEventStore;
use crate::sqlite::SqliteEventStore;

/// Why a log could not be opened. No text of it holds the URL, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("an event log is named by `sqlite:PATH` or `postgres://…`")]
    NoUrl,
    #[error("`{0}:` is no kind of event log: it is named by `sqlite:PATH` or `postgres://…`")]
    UnknownKind(String),
    #[error("an event log in KurrentDB is not built in yet: use `sqlite:PATH` or `postgres://…`")]
    KurrentDb,
    #[error("the URL of the event log cannot be understood")]
    Url(#[source] sqlx::Error),
    #[error("cannot open the event log")]
    Connect(#[source] sqlx::Error),
    #[error("cannot bring the event log's tables up to date")]
    Migrate(#[source] MigrateError),
    #[error("the event log's database must have the encoding UTF8, and has {0}")]
    Encoding(String),
    /// Older ones can corrupt a file when the write-ahead log is reset.
    #[error("SQLite {0} can corrupt the event log, 3.51.3 and 3.53.0 cannot")]
    UnsafeSqlite(String),
    #[error("the thread of the log's writer cannot be started")]
    Thread(#[source] std::io::Error),
}

/// Opens the log at `url`: `sqlite:PATH`, a file made where there is none, or `postgres://…`, a
/// database that is there.
///
/// # Errors
/// The URL names no log that is built in, or the log cannot be opened.
pub async fn open(url: &str, clock: Arc<dyn Clock>) -> Result<Arc<dyn EventStore>, OpenError> {
    let (kind, rest) = url.split_once(':').ok_or(OpenError::NoUrl)?;
    Ok(match kind {
        "sqlite" => {
            let path = Path::new(rest.strip_prefix("//").unwrap_or(rest));
            Arc::new(SqliteEventStore::open(path, clock).await?)
        }
        "postgres" | "postgresql" => Arc::new(PostgresEventStore::open(url, clock).await?),
        "kurrentdb" | "esdb" => return Err(OpenError::KurrentDb),
        _ => return Err(OpenError::UnknownKind(kind.to_owned())),
    })
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use jiff::Timestamp;

    use super::*;

    struct FixedClock;

    impl Clock for FixedClock {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }
    }

    async fn open(url: &str) -> Result<Arc<dyn EventStore>, OpenError> {
        super::open(url, Arc::new(FixedClock)).await
    }

    #[tokio::test]
    async fn a_file_is_opened_by_its_path_with_or_without_slashes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.db");
        for prefix in ["sqlite:", "sqlite://"] {
            open(&format!("{prefix}{}", path.display())).await.unwrap();
        }
        assert!(path.exists());
    }

    #[tokio::test]
    async fn what_is_no_log_is_refused_by_its_kind() {
        assert!(matches!(open("log.db").await, Err(OpenError::NoUrl)));
        for kurrent in ["kurrentdb://127.0.0.1:2113", "esdb://127.0.0.1:2113"] {
            assert!(matches!(open(kurrent).await, Err(OpenError::KurrentDb)));
        }
        let refused = open("mysql://ann:secret@db/log").await.err().unwrap();
        assert!(refused.to_string().starts_with("`mysql:`"), "{refused}");
    }

    #[tokio::test]
    async fn no_refusal_tells_the_password() {
        for url in [
            "mysql://ann:secret@db/log",
            "postgres://ann:secret@127.0.0.1:x/log",
            "postgres://ann:secret@127.0.0.1:1/log",
            "postgres://ann:secret@/log?sslmode=sometimes",
            "ann secret",
        ] {
            let refused = open(url).await.err().unwrap();
            let source = refused.source().map(ToString::to_string);
            let texts = format!("{refused} {refused:?} {source:?}");
            assert!(!texts.contains("secret"), "{texts}");
        }
    }
}
