//! The writer: takes the appends that wait, commits them together and answers each.
//!
//! Group commit makes durability cheap under load: the file is synced once for everyone in line.

use std::error::Error;
use std::sync::Arc;
use std::thread;

use domain::{Clock, Position};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot, watch};

use super::batch;
use super::error::{SQLITE_CONSTRAINT, primary_code};
use crate::port::{Append, AppendError, Appended};

/// Appends committed together at most.
const MAX_BATCH: usize = 256;

/// An append in line, and where its answer goes.
pub(super) struct Request {
    pub(super) append: Append,
    pub(super) answer: oneshot::Sender<Result<Appended, AppendError>>,
}

/// Owns the one connection of this process that writes to the log.
pub(super) struct Writer {
    options: SqliteConnectOptions,
    /// `None` after a failed transaction.
    connection: Option<SqliteConnection>,
    clock: Arc<dyn Clock>,
    head: watch::Sender<Position>,
}

impl Writer {
    /// A writer that starts on `connection`, makes further ones with `options`, and tells `head`
    /// of every commit.
    pub(super) fn new(
        options: SqliteConnectOptions,
        connection: SqliteConnection,
        clock: Arc<dyn Clock>,
        head: watch::Sender<Position>,
    ) -> Self {
        Self {
            options,
            connection: Some(connection),
            clock,
            head,
        }
    }

    /// Answers what comes in `queue` until every sender is gone, on a thread of its own: as a task
    /// it would stand in line behind those it has just answered, after each of its statements.
    pub(super) fn start(self, queue: mpsc::Receiver<Request>) -> std::io::Result<()> {
        let runtime = Builder::new_current_thread().enable_time().build()?;
        thread::Builder::new()
            .name("event-log".to_owned())
            .spawn(move || runtime.block_on(self.run(queue)))?;
        Ok(())
    }

    async fn run(mut self, mut queue: mpsc::Receiver<Request>) {
        let mut requests = Vec::with_capacity(MAX_BATCH);
        while queue.recv_many(&mut requests, MAX_BATCH).await > 0 {
            let (appends, answers): (Vec<_>, Vec<_>) = requests
                .drain(..)
                .map(|request| (request.append, request.answer))
                .unzip();
            let outcomes = self.append(&appends).await;
            for (answer, outcome) in answers.into_iter().zip(outcomes) {
                // A caller that has stopped waiting can ask again by its command id.
                let _ = answer.send(outcome);
            }
        }
        if let Some(connection) = self.connection
            && let Err(error) = connection.close().await
        {
            tracing::warn!(
                error = &error as &dyn Error,
                "the event log was not closed cleanly"
            );
        }
    }

    /// The outcome of each of `appends`, in order.
    async fn append(&mut self, appends: &[Append]) -> Vec<Result<Appended, AppendError>> {
        match self.commit(appends).await {
            Ok(outcomes) => outcomes,
            // One of them breaks a rule of the tables, as by an event id that is taken: each on
            // its own, so that the others do not suffer.
            Err(error) if appends.len() > 1 && primary_code(&error) == Some(SQLITE_CONSTRAINT) => {
                let mut outcomes = Vec::with_capacity(appends.len());
                for append in appends.chunks(1) {
                    outcomes.extend(match self.commit(append).await {
                        Ok(outcome) => outcome,
                        Err(error) => unavailable(error, 1),
                    });
                }
                outcomes
            }
            Err(error) => unavailable(error, appends.len()),
        }
    }

    /// Commits `appends` in one transaction. Some may be refused; an error means that none was
    /// appended, or that the commit's answer was lost.
    async fn commit(
        &mut self,
        appends: &[Append],
    ) -> Result<Vec<Result<Appended, AppendError>>, sqlx::Error> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        match batch::append(&mut connection, appends, self.clock.now()).await {
            Ok((outcomes, head)) => {
                self.connection = Some(connection);
                self.head.send_replace(head);
                Ok(outcomes)
            }
            Err(error) => {
                // Where SQLite itself has rolled back, as it does on a full disk, sqlx still
                // counts the transaction as open, for good: the next one takes a new connection.
                let _ = connection.close().await;
                Err(error)
            }
        }
    }
}

/// The failure that `callers` share.
fn unavailable(error: sqlx::Error, callers: usize) -> Vec<Result<Appended, AppendError>> {
    tracing::error!(
        error = &error as &dyn Error,
        appends = callers,
        "the event log could not be written"
    );
    let error = Arc::new(error);
    (0..callers)
        .map(|_| Err(AppendError::Unavailable(Box::new(Arc::clone(&error)))))
        .collect()
}
