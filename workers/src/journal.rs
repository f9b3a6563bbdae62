//! The journal: the durable record of runs, attempts and decisions, and the outbox.
//!
//! A SQLite file on a local disk, for one process. What was answered survives a power cut. One
//! writer commits everything that waits in one transaction, so durability costs little under load.

mod batch;
mod claims;
mod decisions;
mod direct;
mod job;
mod positions;
mod reads;
mod record;
mod retention;
mod schema;
mod writer;

use std::path::Path;
use std::sync::Arc;

use domain::run::{BoxFuture, Ledger, Run, RunPage, RunSource, RunSourceError};
use domain::{Clock, RunId, TopicName};
use tokio::sync::mpsc;
use uuid::Uuid;

use self::batch::Operation;
use self::claims::{Attempt, Claims, Listener, Refund};
use self::decisions::{Decide, Published};
use self::job::{Job, Notice, Request};
use self::reads::Reader;
use self::retention::Prune;
use self::writer::Writer;

pub use self::direct::Unpublished;
pub use self::record::{
    Claim, Claimed, Draft, ListenerKey, MessageId, Outcome, Owner, Recorded, Representation,
    RunKey, Taken,
};
pub use self::retention::Retention;
pub use self::schema::OpenError;

/// Operations that may wait for the writer; further callers wait to get in line.
const QUEUE: usize = 4096;

/// Why the journal did not answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum JournalError {
    #[error("the journal could not be written")]
    Write(#[source] Arc<rusqlite::Error>),
    #[error("the journal could not be read")]
    Read(#[source] Arc<rusqlite::Error>),
    #[error("the journal is closed")]
    Closed,
}

/// The journal of one worker. Clones share it.
#[derive(Clone)]
pub struct Journal {
    queue: mpsc::Sender<Box<dyn Job>>,
    reader: Reader,
}

impl Journal {
    /// Opens the journal at `path`, making it where there is none, and starts its writer on a thread
    /// of its own. The writer ends with the last clone, after what is in line.
    pub async fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        schema::prepare(path).await?;
        let (queue, jobs) = mpsc::channel(QUEUE);
        Writer::open(path.to_owned(), clock)?.start(jobs)?;
        let reader = Reader::new(path);
        Ok(Self { queue, reader })
    }

    /// The key of a listener, for claims.
    pub async fn listener(
        &self,
        owner: &Owner,
        topic: &TopicName,
    ) -> Result<ListenerKey, JournalError> {
        let (owner, topic) = (owner.to_string(), topic.to_string());
        self.ask(Listener { owner, topic }).await
    }

    /// Takes messages, or finds what is known of them from before; answers in order.
    pub async fn claim(&self, claims: Vec<Claim>) -> Result<Vec<Claimed>, JournalError> {
        self.ask(Claims(claims)).await
    }

    /// Counts a call that is about to be made; answers how many were counted in all.
    pub async fn attempt(&self, run: RunKey) -> Result<u32, JournalError> {
        self.ask(Attempt(run)).await
    }

    /// Takes back calls that were not the message's fault. Durable some time later.
    pub async fn refund(&self, run: RunKey, attempts: u32) -> Result<(), JournalError> {
        self.tell(Refund { run, attempts }).await
    }

    /// Records the decision of a run, or finds the one that was recorded before: the caller that gets
    /// [`Outcome::Earlier`] publishes that and nothing of its own.
    pub async fn decide(&self, run: RunKey, draft: Arc<Draft>) -> Result<Outcome, JournalError> {
        self.ask(Decide { run, draft }).await
    }

    /// Notes that a decided run is published; its result's bytes go. Durable some time later.
    pub async fn published(&self, run: RunKey) -> Result<(), JournalError> {
        self.tell(Published(run)).await
    }

    /// Deletes finished runs beyond `retention`, some thousands at most; answers how many. The
    /// ledger keeps counting them.
    pub async fn prune(&self, retention: Retention) -> Result<u64, JournalError> {
        self.ask(Prune(retention)).await
    }

    /// Up to `limit` runs of an owner, newest first, from before the run numbered `before`.
    pub async fn runs(
        &self,
        owner: &Owner,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Run>, JournalError> {
        let owner = owner.to_string();
        self.reader
            .read(move |journal| reads::runs(journal, &owner, before, limit))
            .await
    }

    /// One run of an owner. Recent ones are found at once, old ones by a scan.
    pub async fn run(&self, owner: &Owner, id: RunId) -> Result<Option<Run>, JournalError> {
        let owner = owner.to_string();
        self.reader
            .read(move |journal| reads::run(journal, &owner, id))
            .await
    }

    /// What became of everything that an owner received.
    pub async fn ledger(&self, owner: &Owner) -> Result<Ledger, JournalError> {
        let owner = owner.to_string();
        self.reader
            .read(move |journal| reads::ledger(journal, &owner))
            .await
    }

    /// Waits until the writer has ended, which it does while there is a journal only if it
    /// panicked; requests from then on fail with [`JournalError::Closed`].
    pub async fn ended(&self) {
        self.queue.closed().await;
    }

    async fn ask<O: Operation>(&self, operation: O) -> Result<O::Answer, JournalError> {
        let (request, answered) = Request::new(operation);
        self.send(Box::new(request)).await?;
        answered.await.map_err(|_| JournalError::Closed)?
    }

    async fn tell<O: Operation<Answer = ()>>(&self, operation: O) -> Result<(), JournalError> {
        self.send(Box::new(Notice(operation))).await
    }

    async fn send(&self, job: Box<dyn Job>) -> Result<(), JournalError> {
        self.queue.send(job).await.map_err(|_| JournalError::Closed)
    }
}

/// Runs of listeners, as the API reads them.
impl RunSource for Journal {
    fn pages(&self, pages: Vec<RunPage>) -> BoxFuture<'_, Result<Vec<Vec<Run>>, RunSourceError>> {
        Box::pin(async move {
            let read = self.reader.read(move |journal| {
                let page = |page: &RunPage| {
                    let owner = Owner::Listener(page.group).to_string();
                    reads::runs(journal, &owner, page.before, page.limit)
                };
                pages.iter().map(page).collect()
            });
            read.await.map_err(|error| RunSourceError(Box::new(error)))
        })
    }

    fn ledgers(&self, groups: Vec<Uuid>) -> BoxFuture<'_, Result<Vec<Ledger>, RunSourceError>> {
        Box::pin(async move {
            let read = self.reader.read(move |journal| {
                let owners = groups.iter().copied().map(Owner::Listener);
                let ledger = |owner: Owner| reads::ledger(journal, &owner.to_string());
                owners.map(ledger).collect()
            });
            read.await.map_err(|error| RunSourceError(Box::new(error)))
        })
    }
}

#[cfg(test)]
mod tests;
