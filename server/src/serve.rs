//! `eventflows serve`: the parts wired together, started in order and stopped in reverse.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use api::http::{HttpSettings, Readiness};
use api::worker::WorkerRequests;
use api::{Control, Schema};
use domain::{Actor, Clock, Ids};
use engine::Engine;
use event_store::EventStore;
use projections::{Past, PastLimits, Projector, ReadModel, ReadModelError};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use workers::{DirectRuns, Journal, Worker, WorkerConfig};

use crate::config::Settings;
use crate::connector::SdkConnector;
use crate::data_dir::DataDir;
use crate::direct::WorkerRuns;
use crate::environment::{RandomIds, SystemClock};
use crate::failure::Failure;
use crate::local::LocalTransport;
use crate::log;
use crate::runs::JournalRuns;

/// How long open requests may take to finish once the server stops.
const DRAIN: Duration = Duration::from_secs(5);

/// A part that runs by itself, and what it is called.
type Part = (&'static str, JoinHandle<Result<(), Failure>>);

/// A running server.
pub struct Server {
    address: SocketAddr,
    readiness: Readiness,
    /// Stops the worker, which needs the rest.
    stop_worker: CancellationToken,
    /// Stops the rest.
    stop: CancellationToken,
    worker: JoinHandle<()>,
    parts: Vec<Part>,
    _data: DataDir,
}

/// Serves until a signal says to stop, or a part fails.
///
/// # Errors
/// A part cannot be started, or failed.
pub async fn run(settings: Settings) -> Result<(), Failure> {
    let server = Server::start(settings).await?;
    // Whoever waits for the line may send a signal at once.
    let stopped = stop_signal();
    announce(server.address());
    stopped.await;
    server.stop().await
}

#[expect(
    clippy::print_stdout,
    reason = "whoever started the server waits for this line"
)]
fn announce(address: SocketAddr) {
    println!("eventflows is ready at http://{address}/graphql");
}

/// Waits for SIGINT or SIGTERM, which are listened to from the call on.
pub fn stop_signal() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).expect("SIGINT can be listened to");
    let mut terminate = signal(SignalKind::terminate()).expect("SIGTERM can be listened to");
    async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

impl Server {
    /// Starts all parts, and serves once they are there.
    ///
    /// # Errors
    /// The data directory, a database or the address cannot be used.
    pub async fn start(settings: Settings) -> Result<Self, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let ids: Arc<dyn Ids> = Arc::new(RandomIds);
        let data = DataDir::open(&settings.data)?;
        let (listener, address) = listen(settings.listen).await?;
        let log_url = settings.log_url.as_ref();
        let store = log::open(log_url, data.path(), Arc::clone(&clock)).await?;
        let model = open_read_models(&settings, &data).await?;
        let past = Past::open(&data.past(), Arc::clone(&store), PastLimits::default()).await?;
        let journal = Journal::open(&data.journal(), Arc::clone(&clock)).await?;
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
            runs: Arc::new(JournalRuns::new(journal.clone())),
        }));

        let (worker, direct) = worker_inside(&schema, &data, journal, ids).await?;

        let (stop, stop_worker) = (CancellationToken::new(), CancellationToken::new());
        let readiness = Readiness::default();
        let http = HttpSettings {
            actor: Actor::User {
                name: settings.administrator.clone(),
            },
            graphiql: settings.graphiql.clone(),
            readiness: readiness.clone(),
            runner: Arc::new(WorkerRuns::new(direct)),
            shutdown: stop.clone(),
        };
        let projector = Projector::new(model.clone(), Arc::clone(&store));
        projector.begin().await?;
        let projecting = guard("the projector", projector.run(stop.clone()));
        // Requests must not see a past that this server has already answered from.
        model.wait_for(store.head().await?, Duration::MAX).await?;
        let mut parts = vec![
            projecting,
            guard("the policy", engine::policy::run(engine, stop.clone())),
            guard("the snapshots of the past", snapshots(past, stop.clone())),
            guard("the HTTP server", api::http::serve(listener, schema, http)),
        ];
        parts.extend(checkpointing(&settings, store, clock, &stop)?);
        let worker = tokio::spawn(worker.run(stop_worker.clone()));
        readiness.set(true);
        Ok(Self {
            address,
            readiness,
            stop_worker,
            stop,
            worker,
            parts,
            _data: data,
        })
    }

    /// Where it serves.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops in order: no new requests, the worker with its messages in flight, then the rest.
    ///
    /// # Errors
    /// A part had failed before.
    pub async fn stop(self) -> Result<(), Failure> {
        self.readiness.set(false);
        self.stop_worker.cancel();
        if let Err(error) = self.worker.await {
            tracing::error!(%error, "the worker ended badly");
        }
        self.stop.cancel();
        for (part, handle) in self.parts {
            match timeout(DRAIN, handle).await {
                Ok(ended) => ended.map_err(|source| Failure::Panicked { part, source })??,
                Err(_) => tracing::warn!(part, "a part did not stop in time"),
            }
        }
        Ok(())
    }
}

/// Listens on an address, and says which port that is.
async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Failure> {
    let failed = |source| Failure::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// The parts that sign checkpoints of the log and post them, where they are asked for.
fn checkpointing(
    settings: &Settings,
    store: Arc<dyn EventStore>,
    clock: Arc<dyn Clock>,
    stop: &CancellationToken,
) -> Result<Vec<Part>, Failure> {
    let mut parts = Vec::new();
    if let Some(started) = settings.checkpoints.start(&settings.data, store, clock)? {
        let checkpointing = started.checkpointer.run(stop.clone());
        parts.push(guard("the checkpointer", checkpointing));
        if let Some(poster) = started.poster {
            parts.push(guard("the poster of checkpoints", poster.run()));
        }
    }
    Ok(parts)
}

/// Keeps snapshots of the past, which never fails for good.
async fn snapshots(past: Past, stop: CancellationToken) -> Result<(), std::convert::Infallible> {
    past.run(stop).await;
    Ok(())
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

/// The worker inside, and the direct runs that it makes.
async fn worker_inside(
    schema: &Schema,
    data: &DataDir,
    journal: Journal,
    ids: Arc<dyn Ids>,
) -> Result<(Worker, DirectRuns), Failure> {
    let id = data.worker_id(ids.as_ref())?;
    let transport = Arc::new(LocalTransport::new(schema.clone(), id));
    let connector = Arc::new(SdkConnector);
    let direct = DirectRuns::open(
        id,
        transport.clone(),
        journal.clone(),
        Arc::clone(&ids),
        connector.clone(),
    );
    let direct = direct.await?;
    let worker = Worker::new(WorkerConfig::new(id), transport, journal, ids, connector);
    Ok((worker.with_direct_runs(direct.clone()), direct))
}

/// Runs a part; when it fails, the log says so at once.
fn guard<E>(name: &'static str, part: impl Future<Output = Result<(), E>> + Send + 'static) -> Part
where
    E: std::error::Error + Send + Sync + 'static,
{
    let running = tokio::spawn(async move {
        part.await.map_err(|error| {
            let cause: &dyn std::error::Error = &error;
            tracing::error!(error = cause, part = name, "a part failed");
            Failure::Part {
                part: name,
                source: Box::new(error),
            }
        })
    });
    (name, running)
}
