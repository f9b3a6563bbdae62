//! The writer: takes the operations that wait, commits them together, and has each answered.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use domain::Clock;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::mpsc;

use super::JournalError;
use super::batch::{Batch, Memory};
use super::job::Job;
use super::schema::{self, OpenError};

/// Operations committed together at most.
const MAX_BATCH: usize = 2048;

/// Operations in line that promise more, and how long a batch then waits for them.
const CROWD: usize = 16;
const GATHERING: Duration = Duration::from_millis(2);

/// Batches whose answers may wait to be given.
const ANSWERS: usize = 16;

/// Operations of a batch, and what became of it.
type Answered = (Vec<Box<dyn Job>>, Result<(), JournalError>);

/// Owns the one connection that writes to the journal.
pub(super) struct Writer {
    path: PathBuf,
    /// `None` after a failed transaction.
    connection: Option<Connection>,
    clock: Arc<dyn Clock>,
    memory: Memory,
}

impl Writer {
    pub(super) fn open(path: PathBuf, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let connection = schema::writer(&path).map_err(OpenError::Connect)?;
        let next_run =
            connection.query_row("SELECT coalesce(max(run), 0) + 1 FROM runs", (), |row| {
                row.get(0)
            });
        Ok(Self {
            path,
            memory: Memory::new(next_run.map_err(OpenError::Connect)?),
            connection: Some(connection),
            clock,
        })
    }

    /// Commits what comes in `queue` until every sender is dropped, on a thread of its own: as a task
    /// it would stand in line behind those it has just answered.
    ///
    /// The answers are given by a task: woken from there, those who wait stay on its thread, and
    /// a batch costs one wake-up from outside the runtime instead of one for each.
    pub(super) fn start(self, queue: mpsc::Receiver<Box<dyn Job>>) -> Result<(), OpenError> {
        let (answers, answered) = mpsc::channel(ANSWERS);
        tokio::spawn(answer(answered));
        thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || self.run(queue, &answers))
            .map_err(OpenError::Thread)?;
        Ok(())
    }

    fn run(mut self, mut queue: mpsc::Receiver<Box<dyn Job>>, answers: &mpsc::Sender<Answered>) {
        loop {
            let mut jobs = Vec::new();
            if queue.blocking_recv_many(&mut jobs, MAX_BATCH) == 0 {
                return;
            }
            if jobs.len() >= CROWD {
                gather(&mut jobs, &mut queue);
            }
            let committed = self.commit(&mut jobs).map_err(|error| {
                tracing::error!(
                    error = &error as &dyn Error,
                    operations = jobs.len(),
                    "the journal could not be written"
                );
                JournalError::Write(Arc::new(error))
            });
            // Without the runtime nobody waits any longer; without that task nobody is answered.
            if answers.blocking_send((jobs, committed)).is_err() {
                return;
            }
        }
    }

    /// Applies `jobs` in order, in one transaction; an error undoes them all.
    fn commit(&mut self, jobs: &mut [Box<dyn Job>]) -> rusqlite::Result<()> {
        let next_run = self.memory.next_run;
        let committed = self.try_commit(jobs);
        if committed.is_err() {
            // What the batch had learned is not so.
            self.memory = Memory::new(next_run);
        }
        committed
    }

    fn try_commit(&mut self, jobs: &mut [Box<dyn Job>]) -> rusqlite::Result<()> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => schema::writer(&self.path)?,
        };
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        apply(&tx, jobs, self.clock.now(), &mut self.memory)?;
        tx.commit()?;
        // After an error it is closed, and with it the state that the failure left it in.
        self.connection = Some(connection);
        Ok(())
    }
}

/// Waits a moment for more: under load a commit of many costs little more than one of few.
fn gather(jobs: &mut Vec<Box<dyn Job>>, queue: &mut mpsc::Receiver<Box<dyn Job>>) {
    thread::sleep(GATHERING);
    while jobs.len() < MAX_BATCH
        && let Ok(job) = queue.try_recv()
    {
        jobs.push(job);
    }
}

fn apply(
    tx: &Transaction<'_>,
    jobs: &mut [Box<dyn Job>],
    now: jiff::Timestamp,
    memory: &mut Memory,
) -> rusqlite::Result<()> {
    let mut batch = Batch::new(tx, now, memory);
    for job in jobs {
        job.apply(&mut batch)?;
    }
    batch.finish()
}

async fn answer(mut batches: mpsc::Receiver<Answered>) {
    while let Some((jobs, committed)) = batches.recv().await {
        for job in jobs {
            job.answer(committed.clone());
        }
    }
}
