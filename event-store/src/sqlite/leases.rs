//! Leases in a SQLite file, for the processes of one machine, whose clock they share.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::Clock;
use domain::lease::{Answered, Entry, LeaseStore, Leased, Record};
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use uuid::Uuid;

use super::schema;
use crate::error::OpenError;
use crate::leases::{holder, stored, unavailable};

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/sqlite/leases");

/// The name of the thread in which SQLite writes them.
const THREAD: &str = "leases-file";

const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(4);

pub(crate) struct SqliteLeases {
    pool: SqlitePool,
    clock: Arc<dyn Clock>,
}

impl SqliteLeases {
    /// Opens the leases in the file at `path`, making it where there is none.
    pub(crate) async fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let options = schema::write_options(path).thread_name(|_| THREAD.to_owned());
        let mut connection = schema::connect(&options)
            .await
            .map_err(OpenError::Connect)?;
        schema::migrate(&mut connection, &MIGRATIONS).await?;
        sqlx::Connection::close(connection)
            .await
            .map_err(OpenError::Connect)?;
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .connect_lazy_with(options);
        Ok(Self { pool, clock })
    }

    async fn row(&self, leased: Leased) -> sqlx::Result<Option<Record>> {
        let row: Option<(Uuid, Uuid, i64, i64, i64, i64)> = sqlx::query_as(
            "SELECT worker, place, epoch, version, until, term FROM leases WHERE name = ?1",
        )
        .bind(leased.to_string())
        .fetch_optional(&self.pool)
        .await?;
        let now = self.clock.now().as_microsecond();
        Ok(row.map(|(worker, place, epoch, version, until, term)| {
            let (holder, epoch, version) = holder(&(worker, place, epoch, version));
            // A clock that was set back does not make it last longer than its term.
            let remaining = until.saturating_sub(now).clamp(0, term.max(0));
            Record {
                holder,
                epoch,
                version,
                remaining: Duration::from_micros(remaining.unsigned_abs()),
            }
        }))
    }

    async fn write(
        &self,
        leased: Leased,
        after: u64,
        entry: Entry,
    ) -> Result<Option<u64>, sqlx::Error> {
        let written = if after == 0 {
            "INSERT INTO leases (name, version, worker, place, epoch, until, term)
             VALUES (?1, ?2 + 1, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING RETURNING version"
        } else {
            "UPDATE leases SET version = ?2 + 1, worker = ?3, place = ?4, epoch = ?5, until = ?6,
                               term = ?7
             WHERE name = ?1 AND version = ?2 RETURNING version"
        };
        let term = i64::try_from(entry.term.as_micros()).unwrap_or(i64::MAX);
        let version: Option<i64> = sqlx::query_scalar(written)
            .bind(leased.to_string())
            .bind(stored(after))
            .bind(entry.holder.worker.0)
            .bind(entry.holder.place)
            .bind(stored(entry.epoch.0))
            .bind(self.clock.now().as_microsecond().saturating_add(term))
            .bind(term)
            .fetch_optional(&self.pool)
            .await?;
        Ok(version.map(i64::unsigned_abs))
    }
}

impl LeaseStore for SqliteLeases {
    fn read(&self, leased: Leased) -> Answered<'_, Option<Record>> {
        Box::pin(async move { self.row(leased).await.map_err(unavailable) })
    }

    fn replace(&self, leased: Leased, after: u64, entry: Entry) -> Answered<'_, Option<u64>> {
        Box::pin(async move { self.write(leased, after, entry).await.map_err(unavailable) })
    }
}

#[cfg(test)]
mod tests {
    use domain::lease::TERM;
    use domain::testing::ManualClock;
    use jiff::Timestamp;

    use super::*;
    use crate::leases::contract;

    #[tokio::test]
    async fn sqlite_holds_the_contract_of_leases() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("leases.db");
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        contract::hold(
            &|| {
                Box::pin(async {
                    let leases = SqliteLeases::open(&path, Arc::new(clock.clone())).await;
                    Arc::new(leases.unwrap()) as _
                })
            },
            &|| Box::pin(async { clock.advance(TERM) }),
        )
        .await;
    }
}
