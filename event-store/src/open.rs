//! Opens the log that a URL names.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::Clock;
use serde::Deserialize;

use crate::error::OpenError;
use crate::import::Import;
use crate::port::EventStore;
use crate::postgres::{PostgresEventStore, PostgresImport};
use crate::sqlite::{SqliteEventStore, SqliteImport};

/// The URL of a log. It may hold a password, so only its kind is ever shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct LogUrl(String);

impl LogUrl {
    /// The whole URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The kind, and what comes after the colon.
    pub(crate) fn parts(&self) -> Result<(&str, &str), OpenError> {
        self.0.split_once(':').ok_or(OpenError::NoUrl)
    }
}

impl From<String> for LogUrl {
    fn from(url: String) -> Self {
        Self(url)
    }
}

impl From<&str> for LogUrl {
    fn from(url: &str) -> Self {
        Self(url.to_owned())
    }
}

impl fmt::Debug for LogUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.0.split_once(':').map_or("", |(kind, _)| kind);
        write!(f, "{kind}:…")
    }
}

/// The file of a log that a server keeps in its data directory.
#[must_use]
pub fn file_in(data: &Path) -> PathBuf {
    data.join("log.db")
}

/// Opens the log at `url`: `sqlite:PATH`, a file made where there is none, `postgres://…`, a
/// existing database, or `kurrentdb://…`, also `esdb:`, a stream made where there is none.
///
/// # Errors
/// The URL names no log that is built in, or the log cannot be opened.
pub async fn open(url: &LogUrl, clock: Arc<dyn Clock>) -> Result<Arc<dyn EventStore>, OpenError> {
    let (kind, rest) = url.parts()?;
    let text = url.as_str();
    Ok(match kind {
        "sqlite" => Arc::new(SqliteEventStore::open(sqlite_path(rest), clock).await?),
        "postgres" | "postgresql" => Arc::new(PostgresEventStore::open(text, clock).await?),
        _ if is_kurrentdb(kind) => kurrentdb(text, clock)?,
        _ => return Err(OpenError::UnknownKind(kind.to_owned())),
    })
}

/// Opens the log at `url`, which must be there, to read it alone: nothing in it is changed, and a
/// server may go on writing to it. Appends fail.
///
/// # Errors
/// The URL names no log that is built in, or the log cannot be opened.
pub async fn open_read_only(url: &LogUrl) -> Result<Arc<dyn EventStore>, OpenError> {
    let (kind, rest) = url.parts()?;
    let text = url.as_str();
    Ok(match kind {
        "sqlite" => Arc::new(SqliteEventStore::open_read_only(sqlite_path(rest)).await?),
        "postgres" | "postgresql" => Arc::new(PostgresEventStore::open_read_only(text).await?),
        _ if is_kurrentdb(kind) => kurrentdb_read_only(text)?,
        _ => return Err(OpenError::UnknownKind(kind.to_owned())),
    })
}

/// Opens the log at `url` to be copied into, and makes it where there is none.
///
/// # Errors
/// The URL names no log that can be copied into, the log is in use, or it cannot be opened.
pub async fn open_import(url: &LogUrl) -> Result<Box<dyn Import>, OpenError> {
    let (kind, rest) = url.parts()?;
    let text = url.as_str();
    Ok(match kind {
        "sqlite" => Box::new(SqliteImport::open(sqlite_path(rest)).await?),
        "postgres" | "postgresql" => Box::new(PostgresImport::open(text).await?),
        _ if is_kurrentdb(kind) => kurrentdb_import(text)?,
        _ => return Err(OpenError::UnknownKind(kind.to_owned())),
    })
}

pub(crate) fn sqlite_path(rest: &str) -> &Path {
    Path::new(rest.strip_prefix("//").unwrap_or(rest))
}

/// Whether URLs of this kind are those of KurrentDB, under its names of yesterday and today.
pub(crate) fn is_kurrentdb(kind: &str) -> bool {
    let kind = kind.strip_suffix("+discover").unwrap_or(kind);
    matches!(kind, "kurrentdb" | "kurrent" | "kdb" | "esdb")
}

#[cfg(feature = "kurrentdb")]
fn kurrentdb(url: &str, clock: Arc<dyn Clock>) -> Result<Arc<dyn EventStore>, OpenError> {
    Ok(Arc::new(crate::KurrentDbEventStore::open(url, clock)?))
}

#[cfg(feature = "kurrentdb")]
fn kurrentdb_read_only(url: &str) -> Result<Arc<dyn EventStore>, OpenError> {
    Ok(Arc::new(crate::KurrentDbEventStore::open_read_only(url)?))
}

#[cfg(feature = "kurrentdb")]
fn kurrentdb_import(url: &str) -> Result<Box<dyn Import>, OpenError> {
    Ok(Box::new(crate::KurrentDbImport::open(url)?))
}

#[cfg(not(feature = "kurrentdb"))]
fn kurrentdb(_: &str, _: Arc<dyn Clock>) -> Result<Arc<dyn EventStore>, OpenError> {
    Err(OpenError::KurrentDb)
}

#[cfg(not(feature = "kurrentdb"))]
fn kurrentdb_read_only(_: &str) -> Result<Arc<dyn EventStore>, OpenError> {
    Err(OpenError::KurrentDb)
}

#[cfg(not(feature = "kurrentdb"))]
fn kurrentdb_import(_: &str) -> Result<Box<dyn Import>, OpenError> {
    Err(OpenError::KurrentDb)
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use domain::testing::FixedClock;

    use super::*;

    async fn open(url: &str) -> Result<Arc<dyn EventStore>, OpenError> {
        super::open(&url.into(), Arc::new(FixedClock::default())).await
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
        let refused = open("mysql://ann:secret@db/log").await.err().unwrap();
        assert!(refused.to_string().starts_with("`mysql:`"), "{refused}");
    }

    #[cfg(feature = "kurrentdb")]
    #[tokio::test]
    async fn kurrentdb_is_opened_by_each_of_its_names_before_it_is_there() {
        for kind in ["kurrentdb", "kurrent", "kdb", "esdb", "esdb+discover"] {
            open(&format!("{kind}://127.0.0.1:1?tls=false"))
                .await
                .unwrap();
        }
    }

    #[cfg(not(feature = "kurrentdb"))]
    #[tokio::test]
    async fn without_kurrentdb_built_in_its_urls_are_refused_with_what_to_build() {
        for kind in ["kurrentdb", "kurrent", "kdb", "esdb", "esdb+discover"] {
            let refused = open(&format!("{kind}://127.0.0.1:1?tls=false")).await;
            let refused = refused.err().unwrap();
            assert!(matches!(refused, OpenError::KurrentDb));
            assert!(refused.to_string().contains("--features kurrentdb"));
        }
    }

    #[tokio::test]
    async fn no_refusal_tells_the_password() {
        for url in [
            "mysql://ann:secret@db/log",
            "postgres://ann:secret@127.0.0.1:x/log",
            "postgres://ann:secret@127.0.0.1:1/log",
            "postgres://ann:secret@/log?sslmode=sometimes",
            "kurrentdb://ann:secret@db:x",
            "kurrentdb://ann:secret@db?log=$all",
            "ann secret",
        ] {
            let refused = open(url).await.err().unwrap();
            let source = refused.source().map(ToString::to_string);
            let url = LogUrl::from(url);
            let texts = format!("{refused} {refused:?} {source:?} {url:?}");
            assert!(!texts.contains("secret"), "{texts}");
        }
    }
}
