//! The journal: the durable record of runs, attempts and decisions, and the outbox.
//!
//! It is a SQLite file for one worker, or a PostgreSQL database that several workers share. What was
//! answered survives a power cut. Operations that wait are committed together, so durability costs
//! little under load.

mod condition;
mod confirmation;
#[cfg(test)]
mod contract;
mod counts;
mod decision;
mod life;
mod observation;
mod operation;
mod positions;
mod postgres;
mod queue;
mod record;
mod retention;
mod sampling;
mod search;
mod series;
mod shown;
mod sqlite;
mod store;
mod takeover;

use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::lease::Epoch;
use domain::sample::Sample;
use domain::series::Measured;
use domain::settlement::{FailureFingerprint, Reason};
use domain::worker::Confirmed;
use domain::{AlgorithmId, Clock, JournalId, ListenerId, Position, RunId, TopicId, WorkerId};
use tokio::sync::watch;
use uuid::Uuid;

use self::operation::{
    Attempt, Claims, Confirm, Decide, EndOutput, Hold, Listener, NoteFailedCall, Observe, Prune,
    Published, Record, Refund, TakeUnpublished,
};
use self::postgres::{PostgresReader, PostgresStore};
use self::queue::Queue;
use self::sampling::{Keep, SampleRow};
use self::sqlite::{SqliteReader, SqliteStore};
use self::store::Reads;
use crate::permit::Permission;

pub use self::decision::{
    Draft, FailedCall, Outcome, OutputEnd, Pending, Publication, Recorded, Representation,
    ResultDigest, Timing, Unpublished, digest,
};
pub use self::observation::{Observation, Observed};
pub use self::record::{Claim, Claimed, ListenerKey, MessageId, RunKey, Taken, Upstream};
pub(crate) use self::record::{correlation_of, correlation_of_direct};
pub use self::retention::Retention;
pub use domain::run::Owner;

/// Why a journal could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Sqlite(#[from] sqlite::OpenError),
    #[error(transparent)]
    Postgres(#[from] postgres::OpenError),
    #[error("cannot start the journal's writer")]
    Thread(#[source] io::Error),
}

/// How long a hold on an outbox entry lasts, unless it is renewed.
pub const HOLD: Duration = Duration::from_secs(5 * 60);

/// The most bytes of results that are taken from the outbox together, unless one alone has more.
const MOST_TAKEN_BYTES: usize = 16 * 1024 * 1024;

/// The most runs that one read answers.
const MOST_READ: u32 = 1000;

/// The calls of a run that did not succeed that are kept: the last ones.
const MOST_FAILED_CALLS: i64 = 50;

/// The longest text of one that is kept, in characters.
const LONGEST_TEXT: usize = 500;

/// What is said of a direct run whose worker ended.
const INTERRUPTED: &str = "the worker ended before the run did";

fn interrupted_fingerprint() -> FailureFingerprint {
    FailureFingerprint::of(Reason::Interrupted, None, INTERRUPTED)
}

/// Why the journal did not answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum JournalError {
    #[error("the journal could not be written")]
    Write(#[source] Arc<dyn Error + Send + Sync>),
    #[error("the journal could not be read")]
    Read(#[source] Arc<dyn Error + Send + Sync>),
    /// This process slept, or another one runs with the same data.
    #[error("another process has taken over what this worker did")]
    TakenOver,
    #[error("the worker may not work now: its lease is over")]
    NotPermitted,
    #[error("the journal is closed")]
    Closed,
}

/// The journal of one worker. Clones share it.
#[derive(Clone)]
pub struct Journal {
    id: JournalId,
    /// Whose part of it this is, and the epoch that it was in when it was opened.
    worker: WorkerId,
    epoch: Epoch,
    shared: bool,
    queue: Queue,
    reads: Arc<dyn Reads>,
}

impl Journal {
    /// Opens the journal at `path`, making it where there is none, and starts its writer on a thread
    /// of its own. The writer ends with the last clone, after what is in line.
    pub async fn open(
        path: &Path,
        worker: WorkerId,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let store = SqliteStore::open(path, Arc::clone(&clock)).await?;
        Ok(Self {
            id: store.id(),
            worker,
            epoch: store.epoch(),
            shared: false,
            queue: Queue::start(store).map_err(OpenError::Thread)?,
            reads: Arc::new(SqliteReader::new(path, clock)),
        })
    }

    /// Opens the journal in the PostgreSQL database at `url`, which several workers share, making its
    /// tables where there are none, and starts this worker's writer as [`Self::open`] does.
    pub async fn open_shared(url: &str, worker: WorkerId) -> Result<Self, OpenError> {
        let store = PostgresStore::open(url, worker).await?;
        let reads = Arc::new(PostgresReader::new(store.options()));
        Ok(Self {
            id: store.id(),
            worker,
            epoch: store.epoch(),
            shared: true,
            queue: Queue::start(store).map_err(OpenError::Thread)?,
            reads,
        })
    }

    /// The same journal for work that needs a permission: without it, messages are neither taken nor
    /// decided.
    pub(crate) fn permitted_by(&self, permission: watch::Receiver<Permission>) -> Self {
        Self {
            queue: self.queue.permitted_by(permission),
            ..self.clone()
        }
    }

    /// The worker that has it open.
    #[must_use]
    pub fn worker(&self) -> WorkerId {
        self.worker
    }

    /// Whether several workers decide in it.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.shared
    }

    /// The epoch that this worker's part of it was in when it was opened.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Its id, which was generated when the journal was created.
    #[must_use]
    pub fn id(&self) -> JournalId {
        self.id
    }

    /// The key of a listener, for claims.
    pub async fn listener(
        &self,
        group: Uuid,
        listener: &ListenerId,
    ) -> Result<ListenerKey, JournalError> {
        let listener = Listener {
            owner: Owner::Listener(group).to_string(),
            topic: listener.topic.topic.to_string(),
            algorithm: listener.algorithm.to_string(),
        };
        self.queue.ask(listener).await
    }

    /// The key of an algorithm's direct callers, for claims. In the journal they are one more
    /// listener, with counters and retention of its own; what differs is that no broker delivers
    /// a run again.
    pub async fn direct(&self, algorithm: &AlgorithmId) -> Result<ListenerKey, JournalError> {
        let listener = Listener {
            owner: Owner::DirectCallers(algorithm.clone()).to_string(),
            topic: algorithm.to_string(),
            algorithm: algorithm.to_string(),
        };
        self.queue.ask(listener).await
    }

    /// Claims messages, and returns what is known of each, in order; none for a message below the
    /// listener's position whose run is no longer kept: it has ended.
    pub async fn claim(&self, claims: Vec<Claim>) -> Result<Vec<Option<Claimed>>, JournalError> {
        self.queue.ask(Claims(claims)).await
    }

    /// Counts a call that is about to be made; answers how many were counted in all.
    pub async fn attempt(&self, run: RunKey) -> Result<u32, JournalError> {
        self.queue.ask(Attempt(run)).await
    }

    /// Takes back calls that were not the message's fault. Durable some time later.
    pub async fn refund(&self, run: RunKey, attempts: u32) -> Result<(), JournalError> {
        self.queue.tell(Refund { run, attempts }).await
    }

    /// Writes down a call that did not succeed. Durable some time later.
    pub async fn call_failed(&self, run: RunKey, call: FailedCall) -> Result<(), JournalError> {
        self.queue.tell(NoteFailedCall { run, call }).await
    }

    /// Records the decision of a run, unless it was decided before: the caller that gets
    /// [`Outcome::Earlier`] publishes that decision instead of its own. The caller holds
    /// what is to be published for [`HOLD`].
    pub async fn decide(&self, run: RunKey, draft: Arc<Draft>) -> Result<Outcome, JournalError> {
        self.queue.ask(Decide { run, draft }).await
    }

    /// Notes that all outputs of a decided run are published or have ended otherwise, and deletes the
    /// result's bytes. Durable some time later.
    pub async fn published(&self, run: RunKey) -> Result<(), JournalError> {
        self.queue.tell(Published(run)).await
    }

    /// Notes how one output of a run ended.
    pub async fn end_output(
        &self,
        run: RunKey,
        topic: TopicId,
        end: OutputEnd,
    ) -> Result<(), JournalError> {
        self.queue.ask(EndOutput { run, topic, end }).await
    }

    /// Notes which dead letter queue has the message of a run. Durable some time later.
    pub async fn dead_lettered(&self, run: RunKey, topic: TopicId) -> Result<(), JournalError> {
        let end = OutputEnd::DeadLettered;
        self.queue.tell(EndOutput { run, topic, end }).await
    }

    /// Renews the hold on an outbox entry for another [`HOLD`].
    pub async fn hold(&self, run: RunKey) -> Result<(), JournalError> {
        self.queue.tell(Hold { run, holds: true }).await
    }

    /// Ends the hold on an outbox entry, so that it can be taken.
    pub async fn let_go(&self, run: RunKey) -> Result<(), JournalError> {
        self.queue.ask(Hold { run, holds: false }).await
    }

    /// Takes up to `limit` outbox entries that nobody holds, of runs after the one numbered `after`,
    /// the oldest first, and holds them. Returns fewer if they are large.
    pub async fn take_unpublished(
        &self,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Unpublished>, JournalError> {
        self.queue.ask(TakeUnpublished { after, limit }).await
    }

    /// Writes down what consumers of that worker are doing.
    pub async fn observe(
        &self,
        worker: WorkerId,
        consumers: Vec<Observation>,
    ) -> Result<(), JournalError> {
        self.queue.ask(Observe { worker, consumers }).await
    }

    /// Keeps a sample of a run that was decided so, if it is among those that there is room for: of
    /// a listener 64 MiB, for a week. Durable some time later.
    pub async fn keep(
        &self,
        run: RunKey,
        id: RunId,
        draft: &Draft,
        sample: Sample,
    ) -> Result<(), JournalError> {
        self.keep_within(run, id, draft, sample, sampling::MOST_BYTES)
            .await
    }

    async fn keep_within(
        &self,
        run: RunKey,
        id: RunId,
        draft: &Draft,
        sample: Sample,
        most_bytes: i64,
    ) -> Result<(), JournalError> {
        let row = SampleRow::of(id, draft, sample);
        let row = row.map_err(|error| JournalError::Write(Arc::new(error)))?;
        let keep = Keep {
            run,
            row,
            most_bytes,
        };
        self.queue.tell(keep).await
    }

    /// Writes down how far that worker has come; answers how far all must come. Its lease is renewed
    /// if it has come so far.
    pub async fn confirm(
        &self,
        worker: WorkerId,
        confirmed: Confirmed,
    ) -> Result<Position, JournalError> {
        let confirmed = Some(confirmed);
        self.queue.ask(Confirm { worker, confirmed }).await
    }

    /// Forgets how far that worker had come: it has left, and nothing of it runs.
    pub async fn leave(&self, worker: WorkerId) -> Result<(), JournalError> {
        let confirmed = None;
        let left = self.queue.ask(Confirm { worker, confirmed }).await;
        left.map(drop)
    }

    /// Adds what a worker measured in the last seconds to the series of listeners, by their consumer
    /// groups.
    pub async fn record(
        &self,
        worker: WorkerId,
        measured: Vec<(Uuid, Measured)>,
    ) -> Result<(), JournalError> {
        self.queue.ask(Record { worker, measured }).await
    }

    /// Deletes finished runs beyond `retention`, some thousands at most; answers how many. The
    /// ledger keeps counting them.
    pub async fn prune(&self, retention: Retention) -> Result<u64, JournalError> {
        self.queue.ask(Prune(retention)).await
    }

    /// Waits until the writer has ended. While there is a journal it ends only if it panics or the
    /// disk fails; from then on, requests fail with [`JournalError::Closed`].
    pub async fn ended(&self) {
        self.queue.ended().await;
    }
}
