//! Where leases are kept: in PostgreSQL, in KurrentDB, or in a SQLite file beside the log.

#[cfg(test)]
pub(crate) mod contract;

use std::path::Path;
use std::sync::Arc;

use domain::Clock;
use domain::lease::{Epoch, Holder, LeaseError, LeaseStore};

use crate::error::OpenError;
use crate::open::LogUrl;
use crate::postgres::leases::PostgresLeases;
use crate::sqlite::leases::SqliteLeases;

/// The extension of the file with the leases, beside that of a log in SQLite.
const EXTENSION: &str = "leases.db";

/// Opens the leases in the database at `url`, which is that of a log or of read models; for
/// `sqlite:PATH`, in a file beside it.
///
/// # Errors
/// The URL names no database that is built in, or it cannot be opened.
pub async fn open(url: &LogUrl, clock: Arc<dyn Clock>) -> Result<Arc<dyn LeaseStore>, OpenError> {
    let (kind, rest) = url.parts()?;
    Ok(match kind {
        "sqlite" => open_beside(crate::open::sqlite_path(rest), clock).await?,
        "postgres" | "postgresql" => Arc::new(PostgresLeases::open(url.as_str()).await?),
        _ if crate::open::is_kurrentdb(kind) => kurrentdb(url.as_str())?,
        _ => return Err(OpenError::UnknownKind(kind.to_owned())),
    })
}

/// Opens the leases in a file beside the log in `file`.
///
/// # Errors
/// It cannot be opened.
pub async fn open_beside(
    file: &Path,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn LeaseStore>, OpenError> {
    let file = file.with_extension(EXTENSION);
    Ok(Arc::new(SqliteLeases::open(&file, clock).await?))
}

#[cfg(feature = "kurrentdb")]
fn kurrentdb(url: &str) -> Result<Arc<dyn LeaseStore>, OpenError> {
    Ok(Arc::new(crate::kurrentdb::leases::KurrentDbLeases::open(
        url,
    )?))
}

#[cfg(not(feature = "kurrentdb"))]
fn kurrentdb(_: &str) -> Result<Arc<dyn LeaseStore>, OpenError> {
    Err(OpenError::KurrentDb)
}

/// A record's row: worker, place, epoch, version.
pub(crate) type Row = (uuid::Uuid, uuid::Uuid, i64, i64);

pub(crate) fn holder(row: &Row) -> (Holder, Epoch, u64) {
    let holder = Holder {
        worker: domain::WorkerId(row.0),
        place: row.1,
    };
    (holder, Epoch(row.2.unsigned_abs()), row.3.unsigned_abs())
}

/// What is stored of a number; none is as large as to be cut.
pub(crate) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> LeaseError {
    LeaseError(Box::new(error))
}
