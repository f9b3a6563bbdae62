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
        let known = async |connection: &mut PgConnection| batch::known(connection, appends).await;
        let (mut connection, known) = self.ask(known).await?;
        let now = self.clock.now();
        let (outcomes, head) = batch::append(&mut connection, known, appends, now).await?;
        self.connection = Some(connection);
        raise(&self.appended, head);
        Ok((outcomes, head))
    }

    /// A connection and its answer to `question`, which writes nothing: a connection that was lost
    /// since its last use is replaced.
    async fn ask<T>(
        &mut self,
        question: impl AsyncFn(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<(PgConnection, T), sqlx::Error> {
        if let Some(mut connection) = self.connection.take() {
            match question(&mut connection).await {
                Ok(answer) => return Ok((connection, answer)),
                Err(error) if is_lost(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let mut connection = schema::connect_writer(&self.options).await?;
        let answer = question(&mut connection).await?;
        Ok((connection, answer))
    }
}

/// What `work` comes to, unless the server goes silent.
async fn unless_silent<T>(
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    match timeout(BATCH_TIMEOUT, work).await {
        Ok(done) => done,
        Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
    }
}

impl Commit for Writer {
    async fn commit(
        &mut self,
        appends: &[Append],
    ) -> Result<(Vec<Outcome>, Position), sqlx::Error> {
        unless_silent(self.transact(appends)).await
    }

    async fn probe(&mut self) -> Result<(), sqlx::Error> {
        let (connection, ()) = unless_silent(self.ask(batch::probe)).await?;
        self.connection = Some(connection);
        Ok(())
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
