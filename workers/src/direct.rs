//! Direct runs: a caller asks for one run of a version, and waits. The way is that of a message:
//! claim, invoke, decide, publish; the answer is given once the decision is durable.

mod outbox;
mod take;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::run::{BoxFuture, DirectError, DirectRun, DirectRunner, StartedRun};
use domain::settlement::{Decision, Reason};
use domain::{AlgorithmId, Ids, RunId, WorkerId};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::outbox::Outbox;
use crate::connections::Connector;
use crate::control_plane::{ControlPlane, Transport};
use crate::delivery::endpoint::Endpoints;
use crate::journal::{Draft, Journal, JournalError, ListenerKey, Representation};

/// Why a run did not start, or its outcome is not known.
#[derive(Debug, thiserror::Error)]
enum NotRun {
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
    listeners: Mutex<HashMap<AlgorithmId, ListenerKey>>,
    next_number: AtomicI64,
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
            next_number: AtomicI64::new(journal.next_direct_number().await?),
            endpoints: Endpoints::new(),
            outbox: Outbox::new(journal.clone(), control_plane, connector, Arc::clone(&ids)),
            journal,
            ids,
            listeners: Mutex::default(),
            tasks: TaskTracker::new(),
            giving_up: CancellationToken::new(),
        })))
    }

    async fn begin(&self, run: DirectRun) -> Result<StartedRun, DirectError> {
        if self.0.tasks.is_closed() {
            return Err(NotRun::Stopping.into());
        }
        if self.0.outbox.is_crowded(&run.algorithm) {
            return Err(DirectError::Crowded);
        }
        let id = RunId(self.0.ids.next());
        let (claimed, started) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let shared = Arc::clone(&self.0);
        let giving_up = self.0.giving_up.clone();
        // A task of its own from the claim on: a caller that goes away leaves no half a run.
        self.0
            .tasks
            .spawn(giving_up.run_until_cancelled_owned(async move {
                shared.take(id, run, claimed, end).await;
            }));
        let started = started.await.map_err(|_| NotRun::Stopping)?;
        started.map_err(NotRun::Journal)?;
        let outcome = async { Ok(ended.await.map_err(|_| NotRun::Stopping)?) };
        Ok(StartedRun {
            id,
            outcome: Box::pin(outcome),
        })
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

impl DirectRunner for DirectRuns {
    fn start(&self, run: DirectRun) -> BoxFuture<'_, Result<StartedRun, DirectError>> {
        Box::pin(self.begin(run))
    }
}

impl From<NotRun> for DirectError {
    fn from(cause: NotRun) -> Self {
        Self::Unavailable(Box::new(cause))
    }
}

impl Shared {
    /// The key of an algorithm's direct callers.
    async fn listener(&self, algorithm: &AlgorithmId) -> Result<ListenerKey, JournalError> {
        if let Some(known) = self.listeners().get(algorithm) {
            return Ok(*known);
        }
        let key = self.journal.direct(algorithm).await?;
        self.listeners().insert(algorithm.clone(), key);
        Ok(key)
    }

    fn listeners(&self) -> std::sync::MutexGuard<'_, HashMap<AlgorithmId, ListenerKey>> {
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that no direct run has had.
    fn next_number(&self) -> i64 {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }
}

/// Decides the runs that nobody can go on with.
async fn close_interrupted(journal: &Journal) -> Result<(), JournalError> {
    let draft = Arc::new(Draft {
        decision: Decision::Dropped,
        version: None,
        revision: None,
        status: None,
        reason: Some(Reason::Interrupted),
        reason_text: Some("the worker ended before the run did".to_owned()),
        representation: Representation::default(),
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
