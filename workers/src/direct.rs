//! Direct runs: somebody asks for one run of a version, and waits. The way is that of a message:
//! claim, invoke, decide, publish; the answer is given once the decision is durable.

mod outbox;
mod take;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use domain::algorithm::Protocol;
use domain::settlement::{Answer, Decision, Reason};
use domain::{Ids, WorkerId};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use self::outbox::Outbox;
use crate::connections::Connector;
use crate::control_plane::{ControlPlane, Transport};
use crate::delivery::endpoint::Endpoints;
use crate::journal::{Draft, Journal, JournalError, ListenerKey};

/// A run that somebody asks for.
pub struct DirectRun {
    /// `organization/name`
    pub algorithm: String,
    pub version: DirectVersion,
    pub content_type: &'static str,
    pub body: Bytes,
    /// How long the run may take in all; each call also has the version's own time.
    pub timeout: Duration,
    /// The room that the run takes among all of them.
    pub room: OwnedSemaphorePermit,
}

/// The version to call.
pub struct DirectVersion {
    pub version: String,
    pub endpoint: String,
    pub protocol: Protocol,
    pub timeout_ms: u64,
}

/// A run whose claim is durable. It continues whether or not anybody waits.
pub struct Begun {
    /// What its endpoint and its publishers know it by.
    pub id: Uuid,
    ended: oneshot::Receiver<DirectOutcome>,
}

/// What came of a run; its decision is durable.
pub struct DirectOutcome {
    /// How long the calls took.
    pub duration: Duration,
    pub ended: Result<DirectResult, DirectFailure>,
}

pub struct DirectResult {
    /// As the endpoint said.
    pub content_type: Option<String>,
    pub body: Bytes,
}

pub struct DirectFailure {
    pub answer: Answer,
    /// More about it, for people.
    pub text: Option<String>,
    pub stacktrace: Option<String>,
}

/// Why there was no run, or nobody can say what came of it.
#[derive(Debug, thiserror::Error)]
pub enum DirectError {
    /// Too many results, of all or of this algorithm, wait for topics that do not take them.
    #[error("too many results wait to be published")]
    Crowded,
    #[error("the worker is stopping")]
    Stopping,
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// The direct runs of a worker. Clones share them.
#[derive(Clone)]
pub struct DirectRuns(Arc<Shared>);

struct Shared {
    journal: Journal,
    endpoints: Endpoints,
    outbox: Outbox,
    ids: Arc<dyn Ids>,
    /// The journal's keys of direct callers, by algorithm: as many as there are algorithms.
    listeners: Mutex<HashMap<String, ListenerKey>>,
    next_place: AtomicI64,
    tasks: TaskTracker,
    /// Cancelled when runs under way are given up.
    giving_up: CancellationToken,
}

impl DirectRuns {
    /// Takes up where the process before ended: its undecided runs are decided as interrupted, for
    /// nobody waits for them and their bodies were not kept. What it had decided is published
    /// while the worker runs.
    ///
    /// # Errors
    /// The journal does not answer.
    pub async fn open(
        worker: WorkerId,
        transport: Arc<dyn Transport>,
        journal: Journal,
        ids: Arc<dyn Ids>,
        connector: Arc<dyn Connector>,
    ) -> Result<Self, JournalError> {
        close_interrupted(&journal).await?;
        let control_plane = ControlPlane::new(transport, worker, Arc::clone(&ids));
        Ok(Self(Arc::new(Shared {
            next_place: AtomicI64::new(journal.next_direct_place().await?),
            endpoints: Endpoints::new(),
            outbox: Outbox::new(journal.clone(), control_plane, connector, Arc::clone(&ids)),
            journal,
            ids,
            listeners: Mutex::default(),
            tasks: TaskTracker::new(),
            giving_up: CancellationToken::new(),
        })))
    }

    /// Begins a run, and answers when its claim is durable. From then on it continues by itself.
    ///
    /// # Errors
    /// It did not begin.
    pub async fn begin(&self, run: DirectRun) -> Result<Begun, DirectError> {
        if self.0.tasks.is_closed() {
            return Err(DirectError::Stopping);
        }
        if self.0.outbox.is_crowded(&run.algorithm) {
            return Err(DirectError::Crowded);
        }
        let id = self.0.ids.next();
        let (claimed, begun) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let shared = Arc::clone(&self.0);
        let giving_up = self.0.giving_up.clone();
        // A task of its own from the claim on: a caller that goes away leaves no half a run.
        self.0
            .tasks
            .spawn(giving_up.run_until_cancelled_owned(async move {
                shared.take(id, run, claimed, end).await;
            }));
        begun.await.map_err(|_| DirectError::Stopping)??;
        Ok(Begun { id, ended })
    }

    /// Publishes what is decided and not published, until it is cancelled.
    pub(crate) async fn drain(&self) {
        self.0.outbox.drain().await;
    }

    /// Lets runs under way end within `grace`, and gives up those that do not.
    pub async fn stop(&self, grace: Duration) {
        self.0.tasks.close();
        if timeout(grace, self.0.tasks.wait()).await.is_err() {
            let runs = self.0.tasks.len();
            tracing::warn!(runs, "direct runs under way are given up");
        }
        self.0.giving_up.cancel();
        self.0.tasks.wait().await;
    }
}

impl Begun {
    /// Waits for the durable decision.
    ///
    /// # Errors
    /// The worker ended before, or could not write the decision down.
    pub async fn outcome(self) -> Result<DirectOutcome, DirectError> {
        self.ended.await.map_err(|_| DirectError::Stopping)
    }
}

impl Shared {
    /// The key of an algorithm's direct callers.
    async fn listener(&self, algorithm: &str) -> Result<ListenerKey, JournalError> {
        if let Some(known) = self.listeners().get(algorithm) {
            return Ok(*known);
        }
        let key = self.journal.direct(algorithm).await?;
        self.listeners().insert(algorithm.to_owned(), key);
        Ok(key)
    }

    fn listeners(&self) -> std::sync::MutexGuard<'_, HashMap<String, ListenerKey>> {
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self) -> i64 {
        self.next_place.fetch_add(1, Ordering::Relaxed)
    }
}

/// Decides the runs that nobody can go on with.
async fn close_interrupted(journal: &Journal) -> Result<(), JournalError> {
    let draft = Arc::new(Draft {
        decision: Decision::Dropped,
        version: None,
        revision: String::new(),
        status: None,
        reason: Some(Reason::Interrupted),
        reason_text: Some("the worker ended before the run did".to_owned()),
        content_type: None,
        result: None,
    });
    loop {
        let undecided = journal.undecided_direct().await?;
        if undecided.is_empty() {
            return Ok(());
        }
        tracing::warn!(runs = undecided.len(), "direct runs were interrupted");
        for run in undecided {
            journal.decide(run, Arc::clone(&draft)).await?;
        }
    }
}
