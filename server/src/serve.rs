//! `eventflows serve`: the parts wired together, started in order and stopped in reverse.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use api::job::Jobs;
use api::worker::WorkerRequests;
use api::{Control, Schema};
use domain::{Actor, Clock, Ids, WorkerId};
use engine::Engine;
use eventflows_http::{HttpSettings, Readiness, listen};
use projections::{Past, PastLimits, Projector, ReadModel, ReadModelError};
use tokio_util::sync::CancellationToken;
use workers::journal::{self, JournalError};
use workers::{DirectRuns, Journal, Memory, Worker, WorkerConfig, permits};

use crate::admission::Admission;
use crate::config::Settings;
use crate::connector::SdkConnector;
use crate::data_dir::DataDir;
use crate::environment::{RandomIds, SystemClock};
use crate::failure::Failure;
use crate::lease::WorkerLease;
use crate::local::LocalTransport;
use crate::log;
use crate::parts::{Part, Parts};
use crate::signal::stop_signal;

/// How long the parts may take to finish once the worker has left.
const DRAIN: Duration = Duration::from_secs(5);

/// A running server.
pub struct Server {
    address: SocketAddr,
    readiness: Readiness,
    /// Stops the worker, which needs the rest.
    stop_worker: CancellationToken,
    /// Stops the rest.
    stop: CancellationToken,
    parts: Parts,
    _data: DataDir,
}

/// Serves until a signal says to stop, or a part fails.
///
/// # Errors
/// A part cannot be started, or failed.
pub async fn run(settings: Settings) -> Result<(), Failure> {
    let mut server = Server::start(settings).await?;
    // The process that waits for the line may send a signal at once.
    let stopped = stop_signal();
    announce(server.address());
    tokio::select! {
        () = stopped => {}
        () = server.failed() => {}
    }
    server.stop().await
}

#[expect(
    clippy::print_stdout,
    reason = "the process that started the server waits for this line"
)]
fn announce(address: SocketAddr) {
    println!("eventflows is ready at {}", listen::url(address));
}

impl Server {
    /// Starts all parts, and serves once they are there.
    ///
    /// # Errors
    /// The data directory, a database or the address cannot be used.
    pub async fn start(settings: Settings) -> Result<Self, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let ids: Arc<dyn Ids> = Arc::new(RandomIds);
        let allowed = settings.allow_unauthenticated_network;
        let (listener, address) = listen::open(settings.listen, allowed).await?;
        let data = DataDir::open(&settings.data)?;
        let store = open_log(&settings, &data, &clock).await?;
        let model = open_read_models(&settings, &data).await?;
        let past = Past::open(&data.past(), Arc::clone(&store), PastLimits::default()).await?;
        let worker_id = data.worker_id(ids.as_ref())?;
        let journal = open_journal(&settings, &data, worker_id, &clock).await?;
        let engine = Arc::new(Engine::new(
            Arc::clone(&store),
            Arc::clone(&clock),
            Arc::clone(&ids),
        ));
        let schema = Schema::new(Arc::new(Control {
            engine: Arc::clone(&engine),
            model: model.clone(),
            past: past.clone(),
            requests: Arc::new(WorkerRequests::new(Arc::clone(&ids))),
            jobs: Jobs::new(Arc::clone(&clock)),
            remote_workers: settings.remote_workers,
            runs: Arc::new(journal.clone()),
            confirmations: Arc::new(journal.clone()),
        }));

        let readiness = Readiness::default();
        let admission = Admission {
            engine: Arc::clone(&engine),
            ids: Arc::clone(&ids),
            readiness: readiness.clone(),
            worker: worker_id,
            journal: journal.id(),
            adopt: settings.adopt_journal.into(),
        };
        let lease = lease(&settings, &data, &journal, &readiness, &clock).await?;
        let (worker, direct) = worker_inside(&schema, &settings, worker_id, &journal, ids).await?;

        let (stop, stop_worker) = (CancellationToken::new(), CancellationToken::new());
        let http = http_settings(&settings, &readiness, direct, &stop);
        let mut parts = Parts::new(readiness.clone());
        let projector = Projector::new(model.clone(), Arc::clone(&store));
        projector.begin().await?;
        parts.start(Part::Projector, projector.run(stop.clone()));
        let admitted = admission.announce().await;
        // Requests must not see a past that this server has already answered from.
        let head = store.head().await?;
        tokio::select! {
            reached = model.wait_for(head, Duration::MAX) => reached?,
            () = parts.failed() => parts.outcome()?,
        }
        parts.start(Part::Policy, engine::policy::run(engine, stop.clone()));
        parts.start(Part::Snapshots, snapshots(past, stop.clone()));
        parts.start(Part::Http, eventflows_http::serve(listener, schema, http));
        parts.start(Part::Journal, watch(journal, stop.clone()));
        if let Some(checkpointing) = settings.checkpoints.open(&settings.data, store, clock)? {
            checkpointing.start(&stop, &mut parts);
        }
        parts.start(
            Part::Worker,
            work(worker, lease, admission, admitted, stop_worker.clone()),
        );
        readiness.started();
        Ok(Self {
            address,
            readiness,
            stop_worker,
            stop,
            parts,
            _data: data,
        })
    }

    /// Where it serves.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until a part has ended, which none does by itself. From then on the server is not
    /// ready, and can only be stopped.
    pub async fn failed(&mut self) {
        self.parts.failed().await;
    }

    /// Stops in order: the worker with its messages in flight, then the rest.
    ///
    /// # Errors
    /// The first error of a part, before or now.
    pub async fn stop(mut self) -> Result<(), Failure> {
        self.readiness.stopping();
        self.stop_worker.cancel();
        self.parts.until_ended(Part::Worker).await;
        self.stop.cancel();
        self.parts.all_ended(DRAIN).await;
        Ok(self.parts.outcome()?)
    }
}

/// Keeps snapshots of the past, which never fails for good.
async fn snapshots(past: Past, stop: CancellationToken) -> Result<(), Infallible> {
    past.run(stop).await;
    Ok(())
}

/// Has the worker inside work while it is admitted and has its lease, and give that back at the end.
async fn work(
    worker: Worker,
    lease: WorkerLease,
    admission: Admission,
    admitted: bool,
    stop: CancellationToken,
) -> Result<(), Infallible> {
    let (permits, permit) = permits();
    tokio::select! {
        () = worker.run(stop, permit) => {}
        () = lease.permit(&admission, admitted, &permits) => {}
    }
    lease.give_back().await;
    Ok(())
}

/// Sees whether the journal's writer still runs.
async fn watch(journal: Journal, stop: CancellationToken) -> Result<(), JournalError> {
    tokio::select! {
        () = stop.cancelled() => Ok(()),
        () = journal.ended() => Err(JournalError::Closed),
    }
}

async fn open_journal(
    settings: &Settings,
    data: &DataDir,
    worker: WorkerId,
    clock: &Arc<dyn Clock>,
) -> Result<Journal, journal::OpenError> {
    match &settings.journal_url {
        Some(url) => Journal::open_shared(url.as_str(), worker).await,
        None => Journal::open(&data.journal(), worker, Arc::clone(clock)).await,
    }
}

async fn open_log(
    settings: &Settings,
    data: &DataDir,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn event_store::EventStore>, event_store::OpenError> {
    log::open(settings.log_url.as_ref(), data.path(), Arc::clone(clock)).await
}

/// The lease of the worker inside, which is not taken yet.
async fn lease(
    settings: &Settings,
    data: &DataDir,
    journal: &Journal,
    readiness: &Readiness,
    clock: &Arc<dyn Clock>,
) -> Result<WorkerLease, Failure> {
    let lease = WorkerLease::new(
        log::open_leases(settings, data.path(), clock).await?,
        data.holder(journal.worker())?,
        journal.clone(),
        readiness.clone(),
        settings.read_models_url.is_none() && settings.log_url.is_none(),
    );
    Ok(lease.adopting(settings.adopt_journal))
}

async fn open_read_models(
    settings: &Settings,
    data: &DataDir,
) -> Result<ReadModel, ReadModelError> {
    match &settings.read_models_url {
        Some(url) => ReadModel::connect(url.as_str()).await,
        None => ReadModel::open(&data.read_models()).await,
    }
}

fn http_settings(
    settings: &Settings,
    readiness: &Readiness,
    direct: DirectRuns,
    stop: &CancellationToken,
) -> HttpSettings {
    HttpSettings {
        actor: Actor::User {
            name: settings.administrator.clone(),
        },
        graphiql: settings.graphiql.clone(),
        public_url: settings.public_url.clone(),
        readiness: readiness.clone(),
        runner: Arc::new(direct),
        shutdown: stop.clone(),
    }
}

/// The worker inside, and the direct runs that it makes.
async fn worker_inside(
    schema: &Schema,
    settings: &Settings,
    id: WorkerId,
    journal: &Journal,
    ids: Arc<dyn Ids>,
) -> Result<(Worker, DirectRuns), JournalError> {
    let mut config = WorkerConfig::new(id);
    config.memory = Memory::of(settings.worker_memory);
    let transport = Arc::new(LocalTransport::new(schema.clone(), id));
    let connector = Arc::new(SdkConnector);
    let worker = Worker::new(config, transport, journal.clone(), ids, connector);
    worker.with_direct_runs().await
}
