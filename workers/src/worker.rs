//! The worker: joins, keeps what it is assigned running, answers requests, and leaves in order.

use std::sync::Arc;
use std::time::Duration;

use brokers::Memory;
use domain::worker::LEASE;
use domain::{Ids, Position, WorkerId};
use futures_util::StreamExt;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::confirmations::Confirmations;
use crate::connections::{Connections, Connector};
use crate::control_plane::{ControlPlane, Transport};
use crate::crash::Point;
use crate::delivery::endpoint::Endpoints;
use crate::direct::DirectRuns;
use crate::journal::{Journal, JournalError, Retention};
use crate::lease::Lease;
use crate::meters::Meters;
use crate::outbox::Outbox;
use crate::pause::Pause;
use crate::permit::Permit;
use crate::publishers::Publishers;
use crate::reconciler::Reconciler;
use crate::reporter::{Reporter, persist};
use crate::requests;
use crate::resources::Resources;
use crate::sends::Sends;
use crate::statuses::Statuses;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How long the closing of the sources, the last reports and the leaving may take beyond the grace.
const PARTING: Duration = Duration::from_secs(15);

/// How often finished runs beyond retention are deleted, a batch at a time.
const PRUNE_EVERY: Duration = Duration::from_secs(10);

/// What messages and results may take in memory, unless it is said otherwise.
pub const MEMORY_BYTES: usize = 256 * 1024 * 1024;

/// What a worker is told at its start.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    pub worker: WorkerId,
    /// How long messages in flight may take to end when a consumer stops.
    pub grace: Duration,
    /// How long a listener must be blocked, or go on, until the control plane is told: what it is
    /// told is kept for ever.
    pub notice: Duration,
    /// How long it works on without a word from the journal that all workers share: at most
    /// [`LEASE`], which is what the others wait.
    pub lease: Duration,
    /// What messages and results of all its consumers may take in memory.
    pub memory: Memory,
    pub retention: Retention,
}

impl WorkerConfig {
    /// Ten seconds of grace, two of notice, the whole lease, and the journal's default retention.
    pub fn new(worker: WorkerId) -> Self {
        Self {
            worker,
            grace: Duration::from_secs(10),
            notice: Duration::from_secs(2),
            lease: LEASE,
            memory: Memory::of(MEMORY_BYTES),
            retention: Retention::default(),
        }
    }
}

/// A process that runs consumers.
pub struct Worker {
    config: WorkerConfig,
    control_plane: ControlPlane,
    journal: Journal,
    ids: Arc<dyn Ids>,
    connector: Arc<dyn Connector>,
    publishers: Arc<Publishers>,
    outbox: Arc<Outbox>,
    lease: Arc<Lease>,
    sends: Arc<Sends>,
    direct: Option<DirectRuns>,
}

impl Worker {
    pub fn new(
        config: WorkerConfig,
        transport: Arc<dyn Transport>,
        journal: Journal,
        ids: Arc<dyn Ids>,
        connector: Arc<dyn Connector>,
    ) -> Self {
        let control_plane = ControlPlane::new(transport, config.worker, Arc::clone(&ids));
        let publishers = Arc::new(Publishers::new(control_plane.clone()));
        let lease = Arc::new(Lease::new(config.lease.min(LEASE)));
        let sends = Arc::<Sends>::default();
        let outbox = Outbox::new(
            journal.clone(),
            Arc::clone(&publishers),
            Arc::clone(&connector),
            Arc::clone(&lease),
            Arc::clone(&sends),
            Arc::clone(&ids),
        );
        Self {
            config,
            control_plane,
            journal,
            ids,
            connector,
            publishers,
            outbox: Arc::new(outbox),
            lease,
            sends,
            direct: None,
        }
    }

    /// A worker that also takes direct runs, and lets them end before it does.
    ///
    /// # Errors
    /// The journal does not answer.
    pub async fn with_direct_runs(self) -> Result<(Self, DirectRuns), JournalError> {
        let direct = DirectRuns::open(
            self.journal.clone(),
            Arc::clone(&self.publishers),
            Arc::clone(&self.outbox),
            Arc::clone(&self.lease),
            Arc::clone(&self.ids),
        );
        let direct = direct.await?;
        let worker = Self {
            direct: Some(direct.clone()),
            ..self
        };
        Ok((worker, direct))
    }

    /// Works until `shutdown`; then stops all consumers, each within the grace, reports it and
    /// leaves. Whatever is unreachable meanwhile is tried again. While it has no permission it stands
    /// by: it runs no consumers.
    pub async fn run(self, shutdown: CancellationToken, mut permit: Permit) {
        let joined = shutdown.run_until_cancelled(self.join()).await;
        if joined != Some(true) {
            return;
        }
        let give_up = CancellationToken::new();
        let (reporter, lanes) = Reporter::new(&self.control_plane, &self.ids, &give_up);
        let statuses = Arc::new(Statuses::default());
        let meters = Arc::new(Meters::default());
        let resources = Resources {
            journal: self.journal.permitted_by(permit.permission.clone()),
            connections: Arc::new(Connections::new(Arc::clone(&self.connector))),
            endpoints: Endpoints::new(),
            publishers: Arc::clone(&self.publishers),
            memory: self.config.memory.clone(),
            lease: Arc::clone(&self.lease),
            sends: Arc::clone(&self.sends),
            reporter,
            statuses: Arc::clone(&statuses),
            meters: Arc::clone(&meters),
            ids: Arc::clone(&self.ids),
            grace: self.config.grace,
            notice: self.config.notice,
        };
        let confirmations = Confirmations::new(
            self.journal.clone(),
            self.config.worker,
            Arc::clone(&self.lease),
            Arc::clone(&self.sends),
            Arc::clone(&self.publishers),
        );
        let mut reconciler = Reconciler::new(Arc::new(resources));
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.work(&mut reconciler, &mut permit, &confirmations) => {}
            () = self.answer_requests() => {}
            () = self.prune() => {}
            () = statuses.keep_written(&self.journal, self.config.worker) => {}
            () = meters.keep_written(&self.journal, self.config.worker, &statuses) => {}
            () = self.drain() => {}
        }
        let parting = async {
            let direct = async {
                if let Some(direct) = &self.direct {
                    direct.stop(self.config.grace).await;
                }
            };
            // The worker keeps its lease meanwhile.
            tokio::select! {
                _ = async { tokio::join!(reconciler.stop(), direct) } => {}
                () = confirmations.keep() => {}
            }
            // With the reporters, so that the lanes end.
            drop(reconciler);
            self.let_lease_go().await;
            if let Err(error) = statuses.write(&self.journal, self.config.worker).await {
                tracing::warn!(%error, "the ends of consumers could not be written");
            }
            let measured = meters.write(&self.journal, self.config.worker, &statuses);
            if let Err(error) = measured.await {
                tracing::warn!(%error, "what listeners did last could not be written");
            }
            lanes.finish().await;
            self.leave().await;
        };
        if timeout(self.config.grace + PARTING, parting).await.is_err() {
            tracing::warn!("the worker left without the control plane's knowledge");
        }
        give_up.cancel();
    }

    /// Publishes what is in the outbox, until it is cancelled: before the worker runs, which does it
    /// too.
    pub async fn drain(&self) {
        self.outbox.drain().await;
    }

    /// Whether the control plane takes the worker.
    async fn join(&self) -> bool {
        let key = self.control_plane.key();
        let joined = persist(&*self.ids, || {
            self.control_plane.join(self.journal.id(), &key)
        })
        .await;
        if let Err(error) = &joined {
            tracing::error!(%error, "the control plane refused the worker");
        }
        joined.is_ok()
    }

    async fn leave(&self) {
        let key = self.control_plane.key();
        let left = persist(&*self.ids, || self.control_plane.leave(&key));
        if let Err(error) = left.await {
            tracing::error!(%error, "the control plane refused to let the worker go");
        }
    }

    /// Runs consumers while it is permitted, until it is cancelled.
    async fn work(
        &self,
        reconciler: &mut Reconciler,
        permit: &mut Permit,
        confirmations: &Confirmations,
    ) {
        loop {
            permit.until(true).await;
            permit.working.send_replace(true);
            let working = async {
                self.take_up_direct_runs().await;
                self.reconcile(reconciler, confirmations).await;
            };
            tokio::select! {
                () = working => {}
                () = confirmations.keep() => {}
                () = permit.until(false) => {}
            }
            tokio::select! {
                () = reconciler.stop() => {}
                () = confirmations.keep() => {}
            }
            self.let_lease_go().await;
            permit.working.send_replace(false);
        }
    }

    /// Tells the journal that nothing of the worker runs: nobody waits for it any more.
    async fn let_lease_go(&self) {
        if let Err(error) = self.journal.leave(self.config.worker).await {
            tracing::warn!(%error, "the journal could not be told that the worker left");
        }
    }

    async fn take_up_direct_runs(&self) {
        let Some(direct) = &self.direct else {
            return;
        };
        let mut pause = Pause::new(FIRST_PAUSE, LONGEST_PAUSE);
        while let Err(error) = direct.take_up().await {
            tracing::warn!(%error, "what an earlier process left could not be ended");
            tokio::time::sleep(pause.failed(&*self.ids)).await;
        }
    }

    /// Follows the assignments until it is cancelled: from where it was when the stream ends.
    async fn reconcile(&self, reconciler: &mut Reconciler, confirmations: &Confirmations) {
        let mut after: Option<String> = None;
        let mut pause = Pause::new(FIRST_PAUSE, LONGEST_PAUSE);
        loop {
            if after.is_none() {
                reconciler.expect_snapshot();
            }
            let mut items = self.control_plane.assignments(after.as_deref());
            while let Some(item) = items.next().await {
                match item {
                    Ok(item) => {
                        pause.succeeded();
                        let (position, complete) = (item.position.clone(), item.complete);
                        reconciler.apply(item);
                        // A snapshot that was sent in part is sent again from its beginning.
                        if complete {
                            if let Ok(applied) = position.parse() {
                                confirmations.applied(Position(applied), reconciler.quiet());
                            }
                            after = Some(position);
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the assignments broke off");
                        break;
                    }
                }
            }
            tokio::time::sleep(pause.failed(&*self.ids)).await;
        }
    }

    async fn answer_requests(&self) {
        let mut pause = Pause::new(FIRST_PAUSE, LONGEST_PAUSE);
        loop {
            let began = tokio::time::Instant::now();
            requests::answer(&self.control_plane, &self.connector).await;
            if began.elapsed() > LONGEST_PAUSE {
                pause.succeeded();
            }
            tokio::time::sleep(pause.failed(&*self.ids)).await;
        }
    }

    async fn prune(&self) {
        let mut ticks = interval(PRUNE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = self.prune_all().await {
                tracing::warn!(%error, "finished runs could not be deleted");
            }
        }
    }

    /// Batch after batch, each between commits of other work, until nothing is beyond retention.
    async fn prune_all(&self) -> Result<(), JournalError> {
        while self.journal.prune(self.config.retention).await? > 0 {
            Point::Pruned.pass();
        }
        Ok(())
    }
}
