//! The outbox: publishes recorded results whose messages nobody is delivering.
//!
//! A direct run tries once by itself. The drain publishes the rest: what did not get through, what a
//! worker left when it ended, and what a listener left that was disabled since. The journal is its
//! queue, and entries that somebody works on are held there; nothing is kept in memory.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use brokers::BrokerError;
use bytes::Bytes;
use domain::{AlgorithmId, Ids, TopicId};
use futures_util::future::join_all;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::connections::{Connections, Connector};
use crate::control_plane::CallError;
use crate::crash::Point;
use crate::delivery::result::{self, Origin};
use crate::journal::{Journal, JournalError, OutputEnd, Unpublished};
use crate::lease::Lease;
use crate::pause::Pause;
use crate::publishers::{Publishers, Route};
use crate::sends::{Right, Sends};

/// How long a run that was just decided tries a topic; its caller's room is taken meanwhile.
const FIRST_TRY: Duration = Duration::from_secs(5);

/// How long the drain tries a topic. A sink's own bound is shorter.
const LATER_TRY: Duration = Duration::from_secs(60);

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// How often the drain looks for entries whose holds have ended.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Runs that the drain takes at once, and works on at once.
const PAGE: u32 = 100;
const AT_ONCE: usize = 8;

/// Runs in the outbox beyond which no direct ones are accepted: in all, and of one algorithm, so that
/// one whose topics take nothing leaves room for others.
const MOST: usize = 10_000;
const MOST_OF_ONE: usize = 1_000;

pub(crate) struct Outbox {
    journal: Journal,
    publishers: Arc<Publishers>,
    connections: Connections,
    lease: Arc<Lease>,
    sends: Arc<Sends>,
    ids: Arc<dyn Ids>,
    /// Tells the drain that there is something for it.
    wake: Notify,
    /// How many runs of which algorithm the drain has to do, as far as is known.
    left: Mutex<HashMap<AlgorithmId, usize>>,
    /// Topics that did not take the last message. A run that was just decided spares them.
    down: Mutex<HashSet<TopicId>>,
}

/// What came of sending a result to a topic.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sent {
    Taken,
    NotNow,
    TooLarge,
}

#[derive(Debug, thiserror::Error)]
enum PublishError {
    #[error("its publishers are not known")]
    ControlPlane(#[from] CallError),
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl Outbox {
    pub(crate) fn new(
        journal: Journal,
        publishers: Arc<Publishers>,
        connector: Arc<dyn Connector>,
        lease: Arc<Lease>,
        sends: Arc<Sends>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        Self {
            journal,
            publishers,
            connections: Connections::new(connector),
            lease,
            sends,
            ids,
            wake: Notify::new(),
            left: Mutex::default(),
            down: Mutex::default(),
        }
    }

    /// Whether so much waits that an algorithm's direct runs are refused.
    pub(crate) fn is_crowded(&self, algorithm: &AlgorithmId) -> bool {
        let left = lock(&self.left);
        let own = left.get(algorithm).copied().unwrap_or_default();
        own >= MOST_OF_ONE || left.values().sum::<usize>() >= MOST
    }

    /// Publishes a run that was just decided; what does not get through is left to the drain.
    pub(crate) async fn publish_now(&self, run: &Unpublished) {
        if self.try_publish(run, &self.down, FIRST_TRY).await {
            return;
        }
        *lock(&self.left).entry(run.algorithm.clone()).or_default() += 1;
        self.wake.notify_one();
    }

    /// Has the drain look again: there may be entries now that nobody holds.
    pub(crate) fn look(&self) {
        self.wake.notify_one();
    }

    /// Publishes what is left, until it is cancelled: on every hint, and now and then entries whose
    /// holds have ended. After each pass connections are closed, and opened again on use: a broker
    /// may be gone by then, or have another credential.
    pub(crate) async fn drain(&self) {
        let mut pause = Pause::new(FIRST_PAUSE, LONGEST_PAUSE);
        loop {
            let passed = self.pass().await;
            self.connections.retain(|_| false);
            match passed {
                Ok(0) => {
                    pause.succeeded();
                    let _hinted = timeout(LOOK_EVERY, self.wake.notified()).await;
                }
                Ok(left) => {
                    tracing::warn!(runs = left, "results wait for topics that do not take them");
                    sleep(pause.failed(&*self.ids)).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "the outbox could not be read");
                    sleep(pause.failed(&*self.ids)).await;
                }
            }
        }
    }

    /// Tries everything in the outbox once that nobody holds; answers how much is left.
    async fn pass(&self) -> Result<usize, JournalError> {
        let down = Mutex::default();
        let mut after = 0;
        let mut left = HashMap::<AlgorithmId, usize>::new();
        loop {
            let page = self.journal.take_unpublished(after, PAGE).await?;
            let Some(last) = page.last() else {
                break;
            };
            after = last.run.number();
            Point::OutboxTaken.pass();
            for runs in page.chunks(AT_ONCE) {
                let tries = runs
                    .iter()
                    .map(|run| self.try_publish(run, &down, LATER_TRY));
                let done = join_all(tries).await;
                let undone = runs.iter().zip(done).filter(|(_, done)| !done);
                for (run, _) in undone {
                    *left.entry(run.algorithm.clone()).or_default() += 1;
                }
            }
        }
        *lock(&self.down) = down.into_inner().unwrap_or_else(PoisonError::into_inner);
        let all = left.values().sum();
        *lock(&self.left) = left;
        Ok(all)
    }

    /// Publishes a run; whether nothing of it is left. Otherwise whoever comes next may take it.
    async fn try_publish(
        &self,
        run: &Unpublished,
        down: &Mutex<HashSet<TopicId>>,
        limit: Duration,
    ) -> bool {
        let published = match self.publish(run, down, limit).await {
            Ok(true) => return true,
            Ok(false) => self.journal.let_go(run.run).await.map_err(Into::into),
            // Held for a while: a control plane that does not answer will not at once.
            Err(error) => Err(error),
        };
        if let Err(error) = published {
            tracing::warn!(
                run.id = %run.run_id,
                error = &error as &dyn std::error::Error,
                "a result is not published yet"
            );
        }
        false
    }

    /// Sends a result to where its outputs lead now, except to topics that are `down`; whether
    /// nothing is left then. While a publisher of its version is being moved to another broker,
    /// nothing is sent.
    async fn publish(
        &self,
        run: &Unpublished,
        down: &Mutex<HashSet<TopicId>>,
        limit: Duration,
    ) -> Result<bool, PublishError> {
        if self.lease.has_ended() {
            return Ok(false);
        }
        let algorithm = Arc::new(run.algorithm.clone());
        let sending = self
            .sends
            .begin(Right::Publishers(algorithm, run.version.clone()));
        let now = self.publishers.now(&run.algorithm, &run.version).await?;
        self.connections.learn(now.brokers.clone());
        let Some(standing) = now.outputs.known() else {
            return Ok(false);
        };
        let took_over = |broker, earlier| self.connections.replaced(broker, earlier);
        let route = |output: &TopicId| Route::of(output, standing, took_over);
        let routes: Vec<_> = run.publication.outputs.iter().map(route).collect();
        sending.to(routes.iter().filter_map(|route| match route {
            Route::To(topic) => Some(topic.clone()),
            Route::Gone => None,
        }));
        let sends = routes.into_iter().map(|route| async move {
            match route {
                Route::Gone => Some(OutputEnd::Withdrawn),
                Route::To(topic) => match self.send(&topic, run, down, limit).await {
                    Sent::Taken => Some(OutputEnd::Published),
                    Sent::TooLarge => Some(OutputEnd::TooLarge),
                    Sent::NotNow => None,
                },
            }
        });
        let ended = join_all(sends).await;
        drop(sending);
        Point::OutboxPublished.pass();
        let all = ended.iter().all(Option::is_some);
        for (output, end) in run.publication.outputs.iter().zip(ended) {
            // That the last of them are published is noted with the run.
            let is_noted = end == Some(OutputEnd::Published) && all;
            if let Some(end) = end.filter(|_| !is_noted) {
                self.journal
                    .end_output(run.run, output.clone(), end)
                    .await?;
            }
        }
        if all {
            self.journal.published(run.run).await?;
        }
        Ok(all)
    }

    /// Sends the result to one topic.
    async fn send(
        &self,
        topic: &TopicId,
        run: &Unpublished,
        down: &Mutex<HashSet<TopicId>>,
        limit: Duration,
    ) -> Sent {
        if lock(down).contains(topic) {
            return Sent::NotNow;
        }
        let origin = Origin {
            run: &Bytes::from(run.run_id.to_string()),
            algorithm: &run.algorithm,
            version: &run.version,
            listener: run.listener,
        };
        let outgoing = result::outgoing(&topic.topic, &origin, &run.publication);
        let published = async { self.connections.of(topic.broker)?.publish(outgoing).await };
        let error = match timeout(limit, published).await {
            Ok(Ok(())) => return Sent::Taken,
            Ok(Err(error)) => error,
            Err(_) => BrokerError::Other(format!("not within {} s", limit.as_secs())),
        };
        tracing::warn!(run.id = %run.run_id, %topic, %error, "a result was not taken");
        // Too large is this result's own trouble.
        if matches!(error, BrokerError::TooLarge(_)) {
            return Sent::TooLarge;
        }
        lock(down).insert(topic.clone());
        Sent::NotNow
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
