//! The one connection of a process that writes to the log.

use std::error::Error;
use std::sync::Arc;

use domain::{Clock, Position};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

use super::batch;
use super::error::{SQLITE_CONSTRAINT, primary_code};
use crate::batch::Outcome;
use crate::group_commit::Commit;
use crate::port::Append;

pub(super) struct Writer {
    options: SqliteConnectOptions,
    /// `None` after a failed transaction.
    connection: Option<SqliteConnection>,
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
            clock,
        }
    }
}

impl Commit for Writer {
    async fn commit(
        &mut self,
        appends: &[Append],
    ) -> Result<(Vec<Outcome>, Position), sqlx::Error> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        match batch::append(&mut connection, appends, self.clock.now()).await {
            Ok(committed) => {
                self.connection = Some(connection);
                Ok(committed)
            }
            Err(error) => {
                // Where SQLite itself has rolled back, as it does on a full disk, sqlx still
                // counts the transaction as open, for good: the next one takes a new connection.
                let _ = connection.close().await;
                Err(error)
            }
        }
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
