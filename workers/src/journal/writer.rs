//! The writer: takes the operations that wait, commits them together and answers each.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use domain::Clock;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};

use super::JournalError;
use super::batch::{self, Answers, Statements};
use super::record::{Claim, Claimed, Draft, ListenerKey, Outcome, RunKey};
use super::retention::Retention;
use super::schema::{self, OpenError};

/// Operations committed together at most.
const MAX_BATCH: usize = 1024;

pub(super) type Answer<T> = oneshot::Sender<Result<T, JournalError>>;

/// An operation in line, and where its answer goes.
pub(super) enum Op {
    Listener {
        group: String,
        topic: String,
        answer: Answer<ListenerKey>,
    },
    Claim {
        claim: Claim,
        answer: Answer<Claimed>,
    },
    Attempt {
        run: RunKey,
        answer: Answer<u32>,
    },
    Refund {
        run: RunKey,
        attempts: u32,
    },
    Decide {
        run: RunKey,
        draft: Draft,
        answer: Answer<Outcome>,
    },
    Published {
        run: RunKey,
    },
    Prune {
        retention: Retention,
        answer: Answer<u64>,
    },
}

/// Owns the one connection that writes to the journal.
pub(super) struct Writer {
    options: SqliteConnectOptions,
    /// `None` after a failed transaction.
    connection: Option<SqliteConnection>,
    clock: Arc<dyn Clock>,
    statements: Statements,
    /// The number of the next run to be claimed.
    next_run: i64,
}

impl Writer {
    pub(super) async fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let options = schema::write_options(path);
        let mut connection = schema::prepare(&options).await?;
        let next_run = batch::next_run(&mut connection)
            .await
            .map_err(OpenError::Connect)?;
        Ok(Self {
            options,
            connection: Some(connection),
            clock,
            statements: Statements::new(),
            next_run,
        })
    }

    /// Answers what comes in `queue` until every sender is gone, on a thread of its own: as a task
    /// it would stand in line behind those it has just answered, after each of its statements.
    pub(super) fn start(self, queue: mpsc::Receiver<Op>) -> Result<(), OpenError> {
        let runtime = Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(OpenError::Thread)?;
        thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || runtime.block_on(self.run(queue)))
            .map_err(OpenError::Thread)?;
        Ok(())
    }

    async fn run(mut self, mut queue: mpsc::Receiver<Op>) {
        let mut ops = Vec::with_capacity(MAX_BATCH);
        while queue.recv_many(&mut ops, MAX_BATCH).await > 0 {
            match self.commit(&mut ops).await {
                Ok(answers) => answers.send(),
                Err(error) => fail(ops.drain(..), error),
            }
        }
        if let Some(connection) = self.connection
            && let Err(error) = connection.close().await
        {
            tracing::warn!(
                error = &error as &dyn Error,
                "the journal was not closed cleanly"
            );
        }
    }

    /// Commits `ops` in one transaction and takes them; an error leaves them, undone.
    async fn commit(&mut self, ops: &mut Vec<Op>) -> Result<Answers, sqlx::Error> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        let now = self.clock.now();
        let committed = batch::commit(
            &mut connection,
            &self.statements,
            &mut self.next_run,
            ops,
            now,
        );
        match committed.await {
            Ok(answers) => {
                self.connection = Some(connection);
                Ok(answers)
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

/// Answers all `ops` with `error`.
fn fail(ops: impl ExactSizeIterator<Item = Op>, error: sqlx::Error) {
    tracing::error!(
        error = &error as &dyn Error,
        operations = ops.len(),
        "the journal could not be written"
    );
    let error = JournalError::Write(Arc::new(error));
    for op in ops {
        // Whoever has stopped waiting needs no answer.
        match op {
            Op::Listener { answer, .. } => drop(answer.send(Err(error.clone()))),
            Op::Claim { answer, .. } => drop(answer.send(Err(error.clone()))),
            Op::Attempt { answer, .. } => drop(answer.send(Err(error.clone()))),
            Op::Decide { answer, .. } => drop(answer.send(Err(error.clone()))),
            Op::Prune { answer, .. } => drop(answer.send(Err(error.clone()))),
            Op::Refund { .. } | Op::Published { .. } => {}
        }
    }
}
