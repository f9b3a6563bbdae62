//! Direct runs: a caller asks for one run of a version, and waits. The way is that of a message:
//! claim, invoke, decide, publish; the answer is given once the decision is durable.

mod take;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::run::{BoxFuture, DirectError, DirectRun, DirectRunner, StartedRun};
use domain::{AlgorithmId, Ids, RunId};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::control_plane::CallError;
use crate::delivery::endpoint::Endpoints;
use crate::journal::{Journal, JournalError, ListenerKey};
use crate::lease::Lease;
use crate::outbox::Outbox;
use crate::publishers::Publishers;

/// Why a run did not start, or its outcome is not known.
#[derive(Debug, thiserror::Error)]
enum NotRun {
    #[error("the worker is stopping")]
    Stopping,
    #[error("the worker is cut off from the others")]
    CutOff,
    #[error("the worker stands by")]
    StandingBy,
    #[error("it is not known where its result goes")]
    Publishers(#[from] CallError),
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// The direct runs of a worker. Clones share them.
#[derive(Clone)]
pub struct DirectRuns(Arc<Shared>);

struct Shared {
    /// Whether what an earlier process left was ended, so that what there is is this one's.
    taking: AtomicBool,
    journal: Journal,
    endpoints: Endpoints,
    publishers: Arc<Publishers>,
    outbox: Arc<Outbox>,
    lease: Arc<Lease>,
    ids: Arc<dyn Ids>,
    /// The journal's keys of direct callers, by algorithm: as many as there are algorithms.
    listeners: Mutex<HashMap<AlgorithmId, ListenerKey>>,
    tasks: TaskTracker,
    /// Cancelled when runs under way are given up.
    giving_up: CancellationToken,
}

impl DirectRuns {
    /// Those of a worker that has a journal of its own take up at once where the process before
    /// ended; others once the worker may work.
    pub(crate) async fn open(
        journal: Journal,
        publishers: Arc<Publishers>,
        outbox: Arc<Outbox>,
        lease: Arc<Lease>,
        ids: Arc<dyn Ids>,
    ) -> Result<Self, JournalError> {
        let is_shared = journal.is_shared();
        let direct = Self(Arc::new(Shared {
            taking: AtomicBool::new(false),
            endpoints: Endpoints::new(),
            journal,
            publishers,
            outbox,
            lease,
            ids,
            listeners: Mutex::default(),
            tasks: TaskTracker::new(),
            giving_up: CancellationToken::new(),
        }));
        if !is_shared {
            direct.take_up().await?;
        }
        Ok(direct)
    }

    /// Takes up where the process before ended: its undecided runs are decided as interrupted, and
    /// what it had decided is published while the worker runs. From then on runs are taken.
    pub(crate) async fn take_up(&self) -> Result<(), JournalError> {
        if self.0.taking.load(Ordering::Relaxed) {
            return Ok(());
        }
        let interrupted = self.0.journal.recover().await?;
        if interrupted > 0 {
            tracing::warn!(runs = interrupted, "direct runs were interrupted");
        }
        self.0.taking.store(true, Ordering::Relaxed);
        self.0.outbox.look();
        Ok(())
    }

    async fn begin(&self, run: DirectRun) -> Result<StartedRun, DirectError> {
        if self.0.tasks.is_closed() {
            return Err(NotRun::Stopping.into());
        }
        if !self.0.taking.load(Ordering::Relaxed) {
            return Err(NotRun::StandingBy.into());
        }
        if self.0.lease.has_ended() {
            return Err(NotRun::CutOff.into());
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
        started?;
        let outcome = async { Ok(ended.await.map_err(|_| NotRun::Stopping)?) };
        Ok(StartedRun {
            id,
            outcome: Box::pin(outcome),
        })
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
}
