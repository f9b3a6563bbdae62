//! The live thing that serves one listener: a source, and a task per message in flight.

use std::sync::Arc;
use std::time::Duration;

use brokers::{BrokerError, Delivery, Source, SourceSettings, Start};
use domain::listener::StartPosition;
use domain::settlement::Reason;
use domain::{Assignment, ListenerId};
use futures_util::FutureExt;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::control_plane::Report;
use crate::delivery::blocks::{Block, Blocks, Watch};
use crate::delivery::gate::Gate;
use crate::delivery::{Failure, Pipeline, Received, deliver};
use crate::journal::{JournalError, Owner};
use crate::pause::Pause;
use crate::resources::Resources;

/// Messages that are taken on together, where as many wait.
const TOGETHER: usize = 64;

/// Messages in flight at least, and per call in flight.
const FEWEST_IN_FLIGHT: usize = 256;
const IN_FLIGHT_PER_CALL: usize = 64;

/// Bodies in flight, in KiB.
const MOST_KIB_IN_FLIGHT: u32 = 256 * 1024;

/// Errors of a source in a row that end the consumer.
const MOST_RECEIVE_ERRORS: u32 = 10;

const FIRST_RECEIVE_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_RECEIVE_PAUSE: Duration = Duration::from_secs(5);

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

/// Serves the listener until `stop`, or until it cannot go on. Reports that it started, and each
/// time it is blocked or continues. What is in flight at the end is finished within the grace or
/// given back, and the source closed, before this returns.
pub(crate) async fn run(
    resources: &Resources,
    listener: &ListenerId,
    assignment: watch::Receiver<Arc<Assignment>>,
    stop: CancellationToken,
) -> Result<(), ConsumerError> {
    let first = Arc::clone(&assignment.borrow());
    let owner = Owner::Listener(first.group);
    let key = resources.journal.listener(&owner, &listener.topic.topic);
    let key = key.await?;
    let most_in_flight =
        FEWEST_IN_FLIGHT.max(IN_FLIGHT_PER_CALL * first.settings.concurrency as usize);
    let connection = resources.connections.of(listener.topic.broker);
    let connection = connection.map_err(ConsumerError::Open)?;
    let positions = Arc::new(resources.journal.positions(key));
    let settings = SourceSettings {
        topic: first.listener.topic.topic.to_string(),
        group: first.group.to_string(),
        start: start(first.settings.start),
        max_unsettled: most_in_flight,
        positions,
    };
    let source = connection.broker().source(settings).await;
    let source = source.map_err(ConsumerError::Open)?;
    resources.reporter.report(listener, Report::Started).await;
    tracing::info!(
        listener.id = %listener,
        topic = %listener.topic.topic,
        algorithm = %listener.algorithm,
        "a consumer started"
    );

    let blocks = Blocks::default();
    let (failed, failures) = mpsc::channel(1);
    let pipeline = Pipeline {
        listener: listener.clone(),
        group: first.group,
        key,
        gate: Gate::new(
            assignment.clone(),
            blocks.clone(),
            Arc::clone(&resources.ids),
        ),
        assignment,
        journal: resources.journal.clone(),
        endpoints: resources.endpoints.clone(),
        connections: Arc::clone(&resources.connections),
        blocks,
        ids: Arc::clone(&resources.ids),
        stopping: CancellationToken::new(),
        failed,
    };
    let mut consumer = Consumer {
        resources,
        blocked: pipeline.blocks.watch(),
        pipeline: Arc::new(pipeline),
        source,
        kib_in_flight: Arc::new(Semaphore::new(MOST_KIB_IN_FLIGHT as usize)),
        tasks: JoinSet::new(),
        failures,
        receive_pause: Pause::new(FIRST_RECEIVE_PAUSE, LONGEST_RECEIVE_PAUSE),
    };
    let ended = consumer.serve(&stop).await;
    consumer.close().await;
    ended
}

struct Consumer<'r> {
    resources: &'r Resources,
    pipeline: Arc<Pipeline>,
    source: Box<dyn Source>,
    blocked: Watch,
    kib_in_flight: Arc<Semaphore>,
    tasks: JoinSet<()>,
    failures: mpsc::Receiver<Failure>,
    receive_pause: Pause,
}

/// What an assignment itself holds its listener for.
#[derive(Default)]
struct Held {
    no_version: Option<Block>,
    dlq_not_granted: Option<Block>,
}

impl Held {
    /// Holds the listener while its selector matches no version, and while it may not send faulty
    /// messages to its dead letter queue.
    fn by(&mut self, assignment: &Assignment, blocks: &Blocks) {
        if assignment.version.is_some() {
            self.no_version = None;
        } else if self.no_version.is_none() {
            let text = "no published version matches the selector";
            self.no_version = Some(blocks.enter(Reason::NoVersion, text));
        }
        match &assignment.dlq {
            Some(dlq) if assignment.dlq_not_granted => {
                self.dlq_not_granted.get_or_insert_with(|| {
                    let algorithm = &assignment.listener.algorithm;
                    let text = format!("{algorithm} has no DEAD_LETTER or PUBLISH grant on {dlq}");
                    blocks.enter(Reason::DlqNotGranted, &text)
                });
            }
            Some(_) | None => self.dlq_not_granted = None,
        }
    }
}

impl Consumer<'_> {
    async fn serve(&mut self, stop: &CancellationToken) -> Result<(), ConsumerError> {
        let mut assignment = self.pipeline.assignment.clone();
        let mut held = Held::default();
        let mut told_blocked = false;
        loop {
            held.by(&assignment.borrow_and_update(), &self.pipeline.blocks);
            self.tell(&mut told_blocked).await;
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                Some(failure) = self.failures.recv() => return Err(failure.into()),
                Some(ended) = self.tasks.join_next() => self.check(ended)?,
                // An error means that the keeper has ended; it has cancelled `stop` or soon will.
                Ok(()) = assignment.changed() => {}
                () = self.blocked.differs(told_blocked) => {}
                received = self.source.recv(), if !told_blocked => {
                    let failed = self.take(received, stop).await;
                    if let Some(error) = failed {
                        self.pause(error, stop).await?;
                    }
                }
            }
        }
    }

    /// Reports that the listener is blocked or continues, if that is news.
    async fn tell(&mut self, told_blocked: &mut bool) {
        let reason = self.blocked.reason();
        if reason.is_some() == *told_blocked {
            return;
        }
        *told_blocked = reason.is_some();
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

    /// Starts a task for what was received and what waits behind it. Answers the error that came
    /// instead, or after it.
    async fn take(
        &mut self,
        received: Result<Delivery, BrokerError>,
        stop: &CancellationToken,
    ) -> Option<BrokerError> {
        let mut deliveries = Vec::new();
        let mut next = Some(received);
        let failed = loop {
            match next {
                Some(Ok(delivery)) => deliveries.push(delivery),
                Some(Err(error)) => break Some(error),
                None => break None,
            }
            if deliveries.len() == TOGETHER {
                break None;
            }
            next = self.source.recv().now_or_never();
        };
        if !deliveries.is_empty() {
            self.receive_pause.succeeded();
            self.start(deliveries, stop).await;
        }
        failed
    }

    /// Starts the messages' task, once there is room for their bodies.
    async fn start(&mut self, deliveries: Vec<Delivery>, stop: &CancellationToken) {
        let sizes = deliveries.iter().map(kib);
        let all = sizes.fold(0, u32::saturating_add).min(MOST_KIB_IN_FLIGHT);
        let room = Arc::clone(&self.kib_in_flight).acquire_many_owned(all);
        let mut room = tokio::select! {
            () = stop.cancelled() => return,
            room = room => room.expect("the room is never closed"),
        };
        let received = deliveries.into_iter().map(|delivery| {
            let size = room.num_permits().min(kib(&delivery) as usize);
            let room = room.split(size).expect("it has as many");
            Received { delivery, room }
        });
        let received = received.collect();
        let pipeline = Arc::clone(&self.pipeline);
        self.tasks
            .spawn(async move { deliver(&pipeline, received).await });
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

    /// Waits after an error of the source; too many in a row end the consumer.
    async fn pause(
        &mut self,
        error: BrokerError,
        stop: &CancellationToken,
    ) -> Result<(), ConsumerError> {
        let wait = self.receive_pause.failed(&*self.resources.ids);
        if self.receive_pause.failures() >= MOST_RECEIVE_ERRORS {
            return Err(ConsumerError::Receive(error));
        }
        tracing::warn!(listener.id = %self.pipeline.listener, %error, "a source failed");
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(wait) => {}
        }
        Ok(())
    }

    /// Finishes what is in flight within the grace, gives the rest back, and closes the source.
    async fn close(mut self) {
        self.pipeline.stopping.cancel();
        let listener = &self.pipeline.listener;
        let tasks = &mut self.tasks;
        let finished = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(self.resources.grace, finished)
            .await
            .is_err()
        {
            tracing::warn!(
                listener.id = %listener,
                messages = self.tasks.len(),
                "messages in flight are given back"
            );
            self.tasks.shutdown().await;
        }
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

/// How many KiB a message counts as.
fn kib(delivery: &Delivery) -> u32 {
    let kib = u32::try_from(delivery.message.body_len() / 1024).unwrap_or(u32::MAX);
    kib.saturating_add(1)
}

pub(crate) fn start(position: Option<StartPosition>) -> Start {
    match position {
        // A broker without positions hands out what it has.
        None | Some(StartPosition::Earliest) => Start::Earliest,
        Some(StartPosition::Latest) => Start::Latest,
        Some(StartPosition::Timestamp { time }) => Start::At(time.into()),
    }
}
