//! The one connection of a process that writes to the log.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, Position};
use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tokio::sync::watch;
use tokio::time::timeout;

use super::error::{is_lost, is_violation};
use super::{batch, schema};
use crate::batch::Outcome;
use crate::group_commit::{Commit, raise};
use crate::port::Append;

/// How long a batch may take with all its waiting; only a server that went silent takes longer.
const BATCH_TIMEOUT: Duration = Duration::from_secs(15);

const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

pub(super) struct Writer {
    options: PgConnectOptions,
    /// `None` at first, and after a failed transaction.
    connection: Option<PgConnection>,
    clock: Arc<dyn Clock>,
    /// The last position that this process appended.
    appended: watch::Sender<Position>,
}

impl Writer {
    /// A writer that connects with `options`, and raises `appended` with every commit.
    pub(super) fn new(
        options: PgConnectOptions,
        clock: Arc<dyn Clock>,
        appended: watch::Sender<Position>,
    ) -> Self {
        Self {
            options,
            connection: None,
            clock,
            appended,
        }
    }

    async fn transact(
        &mut self,
        appends: &[Append],
    ) -> Result<(Vec<Outcome>, Position), sqlx::Error> {
        // Dropped on an error or after too long, and with it the transaction.
        let mut connection = self.begin().await?;
        let (outcomes, head) = batch::append(&mut connection, appends, self.clock.now()).await?;
        self.connection = Some(connection);
        raise(&self.appended, head);
        Ok((outcomes, head))
    }

    /// A connection with an open transaction that has the head. Nothing has been written yet, so
    /// a connection that was lost since its last use is replaced.
    async fn begin(&mut self) -> Result<PgConnection, sqlx::Error> {
        if let Some(mut connection) = self.connection.take() {
            match batch::begin(&mut connection).await {
                Ok(()) => return Ok(connection),
                Err(error) if is_lost(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let mut connection = schema::connect_writer(&self.options).await?;
        batch::begin(&mut connection).await?;
        Ok(connection)
    }
}

impl Commit for Writer {
    async fn commit(
        &mut self,
        appends: &[Append],
    ) -> Result<(Vec<Outcome>, Position), sqlx::Error> {
        match timeout(BATCH_TIMEOUT, self.transact(appends)).await {
            Ok(committed) => committed,
            Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
        }
    }

    fn breaks_a_rule(error: &sqlx::Error) -> bool {
        is_violation(error)
    }

    async fn close(self) {
        if let Some(connection) = self.connection {
            // What was answered is on the disk, whether or not the server hears of the end.
            let _ = timeout(CLOSE_TIMEOUT, connection.close()).await;
        }
    }
}
