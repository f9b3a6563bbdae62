//! The live thing that serves one listener: a source, and a task per message in flight.

mod held;
mod shown;
pub(crate) mod start;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use brokers::{BrokerError, Delivery, Source};
use domain::health::Notice;
use domain::{Assignment, ListenerId};
use futures_util::FutureExt;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::held::Held;
use self::shown::Shown;
use crate::control_plane::Report;
use crate::crash::Point;
use crate::delivery::batch::Batches;
use crate::delivery::blocks::{Blocks, Watch};
use crate::delivery::gate::Gate;
use crate::delivery::{Failure, Pipeline, Received, deliver};
use crate::journal::JournalError;
use crate::lanes::Lanes;
use crate::pause::Pause;
use crate::reconciler::Ending;
use crate::resources::Resources;

/// Messages that are taken on together, where as many wait.
const TOGETHER: usize = 64;

/// Errors of a source in a row that end the consumer.
const MOST_RECEIVE_ERRORS: u32 = 10;

const FIRST_RECEIVE_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_RECEIVE_PAUSE: Duration = Duration::from_secs(5);

/// How long calls that are given up may take to take their attempts back.
const GIVING_UP: Duration = Duration::from_secs(1);

/// Why a consumer ended by itself. Its text goes to the control plane.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConsumerError {
    #[error("the source could not be opened: {0}")]
    Open(BrokerError),
    #[error("the source failed: {0}")]
    Receive(BrokerError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Delivery(#[from] Failure),
}

/// Serves the listener until `stop`, or until it cannot go on. Reports that it started, once it reads
/// its topic, and then each time it is blocked or continues. From `stop` on nothing more is called, and
/// nothing is read once it is quiet. What is in flight at the end is finished within the grace or given
/// back, and the source closed, before this returns.
pub(crate) async fn run(
    resources: &Resources,
    listener: &ListenerId,
    assignment: watch::Receiver<Arc<Assignment>>,
    ending: Ending,
) -> Result<(), ConsumerError> {
    let first = Arc::clone(&assignment.borrow());
    let key = resources.journal.listener(first.group, listener).await?;
    let (concurrency, most_called) = (first.settings.concurrency, first.settings.most_called());
    let connection = resources.connections.of(listener.topic.broker);
    let connection = connection.map_err(ConsumerError::Open)?;
    let ordering = first.settings.ordering;
    let settings = start::source_settings(resources, &first, key);
    let source = connection.broker().source(settings).await;
    let source = source.map_err(ConsumerError::Open)?;

    let blocks = Blocks::default();
    let (failed, failures) = mpsc::channel(1);
    let pipeline = Pipeline {
        listener: listener.clone(),
        group: first.group,
        key,
        gate: Gate::new(most_called, blocks.clone(), Arc::clone(&resources.ids)),
        assignment,
        journal: resources.journal.clone(),
        endpoints: resources.endpoints.clone(),
        expressions: Default::default(),
        batches: Batches::new(resources.endpoints.clone(), first.group, concurrency),
        connections: Arc::clone(&resources.connections),
        publishers: Arc::clone(&resources.publishers),
        blocks,
        meter: resources.meters.of(first.group),
        ids: Arc::clone(&resources.ids),
        calling: Default::default(),
        memory: resources.memory.clone(),
        results: AtomicUsize::new(0),
        lease: Arc::clone(&resources.lease),
        sends: Arc::clone(&resources.sends),
        algorithm: Arc::new(listener.algorithm.clone()),
        withdrawn: ending.withdrawn.clone(),
        stopping: ending.stop.child_token(),
        giving_up: CancellationToken::new(),
        failed,
    };
    let mut consumer = Consumer {
        resources,
        blocked: pipeline.blocks.watch(),
        shown: Shown::new(source.status()),
        has_started: false,
        has_received: false,
        wanted: pipeline.gate.wanted(),
        pipeline: Arc::new(pipeline),
        source,
        lanes: Lanes::new(ordering),
        tasks: JoinSet::new(),
        failures,
        receive_pause: Pause::new(FIRST_RECEIVE_PAUSE, LONGEST_RECEIVE_PAUSE),
        receive_at: Instant::now(),
        notice: Notice::new(resources.notice),
        began: Instant::now(),
        is_held: false,
    };
    consumer.let_messages_in();
    let ended = consumer.serve(&ending.stop).await;
    consumer.close(&ending.quiet).await;
    ended
}

struct Consumer<'r> {
    resources: &'r Resources,
    pipeline: Arc<Pipeline>,
    source: Box<dyn Source>,
    lanes: Lanes,
    blocked: Watch,
    shown: Shown,
    /// Whether it was reported that it reads its topic.
    has_started: bool,
    /// Whether a message came, which may be before the source says that it has partitions.
    has_received: bool,
    /// How many messages the gate has a use for.
    wanted: watch::Receiver<usize>,
    tasks: JoinSet<()>,
    failures: mpsc::Receiver<Failure>,
    receive_pause: Pause,
    /// When the source may be asked again.
    receive_at: Instant,
    notice: Notice,
    /// The moment that the times of the notice are counted from.
    began: Instant,
    /// Whether the source reads nothing, since the worker's lease has ended.
    is_held: bool,
}

impl Consumer<'_> {
    async fn serve(&mut self, stop: &CancellationToken) -> Result<(), ConsumerError> {
        let mut assignment = self.pipeline.assignment.clone();
        let mut held = Held::default();
        loop {
            held.by(&assignment.borrow_and_update(), &self.pipeline);
            self.tell().await;
            self.hold_without_lease().await;
            let resources = self.resources;
            let wanted = *self.wanted.borrow_and_update();
            let receives = wanted > 0 && !self.blocked.is_strict() && resources.lease.is_valid();
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                Some(failure) = self.failures.recv() => return Err(failure.into()),
                Some(ended) = self.tasks.join_next() => self.check(ended)?,
                // An error means that the keeper has ended; it has cancelled `stop` or soon will.
                Ok(()) = assignment.changed() => {}
                () = self.blocked.changed() => {}
                () = self.shown.changed() => {}
                () = at(self.notice.due().map(|due| self.began + due)) => {}
                Ok(()) = self.wanted.changed() => {}
                () = resources.lease.changed() => {}
                received = receive(&mut *self.source, self.receive_at), if receives => {
                    self.take(received, wanted)?;
                }
            }
        }
    }

    /// Has a task let those in who wait for the endpoint, until the consumer stops.
    fn let_messages_in(&mut self) {
        let pipeline = Arc::clone(&self.pipeline);
        self.tasks.spawn(async move {
            let stopping = pipeline.stopping.clone();
            stopping.run_until_cancelled(pipeline.gate.drive()).await;
        });
    }

    /// Has the source read nothing while the worker's lease has ended.
    async fn hold_without_lease(&mut self) {
        let lease = &self.resources.lease;
        let is_held = lease.has_ended();
        if is_held != self.is_held {
            self.is_held = is_held;
            self.source.hold(is_held).await;
        }
    }

    /// Shows what it is doing, and reports that it started, is blocked or continues, if that is news.
    async fn tell(&mut self) {
        let reason = self.blocked.reason();
        if let Some(observed) = self.shown.news(reason.as_deref()) {
            let group = self.pipeline.group;
            self.resources.statuses.set(group, observed);
        }
        // What blocks it before it has started is told afterwards.
        if !self.has_started().await {
            return;
        }
        let news = self.notice.observe(self.began.elapsed(), reason.is_some());
        if news.is_none() {
            return;
        }
        let listener = &self.pipeline.listener;
        let report = match reason {
            Some(reason) => {
                tracing::warn!(
                    listener.id = %listener,
                    topic = %listener.topic.topic,
                    algorithm = %listener.algorithm,
                    reason,
                    "a listener is blocked"
                );
                Report::Blocked(reason)
            }
            None => {
                tracing::info!(
                    listener.id = %listener,
                    topic = %listener.topic.topic,
                    algorithm = %listener.algorithm,
                    "a listener continues"
                );
                Report::Unblocked
            }
        };
        self.resources.reporter.report(listener, report).await;
    }

    /// Whether it has started, which is reported once its source has partitions.
    async fn has_started(&mut self) -> bool {
        let reads = self.has_received || self.shown.is_assigned();
        if self.has_started || !reads {
            return self.has_started;
        }
        self.has_started = true;
        let listener = &self.pipeline.listener;
        tracing::info!(
            listener.id = %listener,
            topic = %listener.topic.topic,
            algorithm = %listener.algorithm,
            "a consumer started"
        );
        self.resources
            .reporter
            .report(listener, Report::Started)
            .await;
        true
    }

    /// Takes on what was received and what waits behind it, up to what is wanted. An error that came
    /// instead, or after it, is waited after; too many in a row end the consumer.
    fn take(
        &mut self,
        received: Result<Delivery, BrokerError>,
        wanted: usize,
    ) -> Result<(), ConsumerError> {
        let mut next = Some(received);
        let mut taken = Vec::new();
        let failed = loop {
            match next {
                Some(Ok(delivery)) => {
                    let expected = self.pipeline.gate.expect();
                    taken.push(Received {
                        turn: self.lanes.join(&delivery.message),
                        delivery,
                        expected,
                    });
                }
                Some(Err(error)) => break Some(error),
                None => break None,
            }
            if taken.len() == TOGETHER.min(wanted) {
                break None;
            }
            next = self.source.recv().now_or_never();
        };
        if !taken.is_empty() {
            self.has_received = true;
            self.receive_pause.succeeded();
            let pipeline = Arc::clone(&self.pipeline);
            self.tasks
                .spawn(async move { deliver(&pipeline, taken).await });
        }
        failed.map_or(Ok(()), |error| self.pause(error))
    }

    /// Takes the tasks that have ended.
    fn check(&mut self, mut ended: Result<(), JoinError>) -> Result<(), Failure> {
        loop {
            if let Some(panic) = ended.err().and_then(|error| error.try_into_panic().ok()) {
                return Err(Failure::panicked(&*panic));
            }
            match self.tasks.try_join_next() {
                Some(next) => ended = next,
                None => return Ok(()),
            }
        }
    }

    /// Leaves the source alone for a while after an error.
    fn pause(&mut self, error: BrokerError) -> Result<(), ConsumerError> {
        let wait = self.receive_pause.failed(&*self.resources.ids);
        if self.receive_pause.failures() >= MOST_RECEIVE_ERRORS {
            return Err(ConsumerError::Receive(error));
        }
        tracing::warn!(listener.id = %self.pipeline.listener, %error, "a source failed");
        self.receive_at = Instant::now() + wait;
        Ok(())
    }

    /// Finishes what is in flight within the grace, gives the rest back, and closes the source.
    /// It is `quiet` once nothing more is read.
    async fn close(mut self, quiet: &CancellationToken) {
        self.pipeline.stopping.cancel();
        self.source.hold(true).await;
        quiet.cancel();
        Point::Stopping.pass();
        let listener = &self.pipeline.listener;
        if !end_within(self.resources.grace, &mut self.tasks).await {
            tracing::warn!(
                listener.id = %listener,
                messages = self.tasks.len(),
                "messages in flight are given back"
            );
            self.pipeline.giving_up.cancel();
            end_within(GIVING_UP, &mut self.tasks).await;
            self.tasks.shutdown().await;
        }
        Point::Stopped.pass();
        match self.source.close().await {
            Ok(()) => tracing::info!(
                listener.id = %listener,
                topic = %listener.topic.topic,
                algorithm = %listener.algorithm,
                "a consumer stopped"
            ),
            Err(error) => {
                tracing::warn!(listener.id = %listener, %error, "a source was not closed cleanly");
            }
        }
    }
}

/// Whether all tasks end within that time.
async fn end_within(time: Duration, tasks: &mut JoinSet<()>) -> bool {
    let ended = async { while tasks.join_next().await.is_some() {} };
    tokio::time::timeout(time, ended).await.is_ok()
}

/// Waits until then, or for ever.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// The next message of the source, which is left alone until then.
async fn receive(source: &mut dyn Source, from: Instant) -> Result<Delivery, BrokerError> {
    tokio::time::sleep_until(from).await;
    source.recv().await
}
