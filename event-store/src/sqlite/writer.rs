//! The one connection of a process that writes to the log.

use std::error::Error;
use std::sync::Arc;

use domain::{Clock, Position};
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use super::error::{SQLITE_CONSTRAINT, primary_code};
use super::{batch, schema};
use crate::batch::Outcome;
use crate::group_commit::Commit;
use crate::port::Append;

pub(super) struct Writer {
    options: SqliteConnectOptions,
    /// `None` after a failed transaction.
    connection: Option<SqliteConnection>,
    /// Whether the last commit failed, or its probe.
    failed: bool,
    clock: Arc<dyn Clock>,
}

impl Writer {
    /// A writer that starts on `connection` and makes further ones with `options`.
    pub(super) fn new(
        options: SqliteConnectOptions,
        connection: SqliteConnection,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            options,
            connection: Some(connection),
            failed: false,
            clock,
        }
    }

    /// Does `work` with the connection, and closes it where that fails: SQLite itself may have
    /// rolled back, as it does on a full disk, and what it holds in memory may not be what is on
    /// the disk. [`schema::connect`] says what the next one relies on.
    async fn with_connection<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => schema::connect(&self.options).await?,
        };
        match work(&mut connection).await {
            Ok(done) => {
                self.connection = Some(connection);
                self.failed = false;
                Ok(done)
            }
            Err(error) => {
                self.failed = true;
                let _ = connection.close().await;
                Err(error)
            }
        }
    }
}

impl Commit for Writer {
    async fn commit(
        &mut self,
        appends: &[Append],
    ) -> Result<(Vec<Outcome>, Position), sqlx::Error> {
        let now = self.clock.now();
        self.with_connection(async |connection| batch::append(connection, appends, now).await)
            .await
    }

    async fn probe(&mut self) -> Result<(), sqlx::Error> {
        // Nobody else finds out when the disk has room again, once appends are no longer sent here.
        let to_disk = self.failed;
        self.with_connection(async |connection| batch::probe(connection, to_disk).await)
            .await
    }

    fn breaks_a_rule(error: &sqlx::Error) -> bool {
        primary_code(error) == Some(SQLITE_CONSTRAINT)
    }

    async fn close(self) {
        if let Some(connection) = self.connection
            && let Err(error) = connection.close().await
        {
            tracing::warn!(
                error = &error as &dyn Error,
                "the event log was not closed cleanly"
            );
        }
    }
}
