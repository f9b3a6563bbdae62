//! The outbox of direct runs: recorded results on their way to every publisher of their version.
//!
//! Each run tries once by itself. What does not get through then, or was left by a process before,
//! is drained from the journal, which is the queue: nothing else is kept in memory.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use brokers::BrokerError;
use domain::{AlgorithmId, Ids, TopicId};
use futures_util::future::join_all;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use crate::connections::{Connections, Connector};
use crate::control_plane::frame::VersionOutputs;
use crate::control_plane::{CallError, ControlPlane};
use crate::delivery::claim::Run;
use crate::delivery::result::{self, Origin};
use crate::journal::{Journal, JournalError, Recorded, RunKey, Unpublished};
use crate::pause::Pause;

/// How long a run that was just decided tries a topic; its caller's room is taken meanwhile.
const FIRST_TRY: Duration = Duration::from_secs(5);

/// How long the drain tries a topic. A sink's own bound is shorter.
const LATER_TRY: Duration = Duration::from_secs(60);

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// How long a result waits that is too large for a topic: until somebody has the topic take more, or
/// disables its publisher.
const TOO_LARGE_PAUSE: Duration = Duration::from_secs(5 * 60);

/// How long connections are kept that nobody may need any more.
const KEPT: Duration = Duration::from_secs(10 * 60);

/// Runs that the drain reads at once, and works on at once.
const PAGE: u32 = 100;
const AT_ONCE: usize = 8;

/// Runs in the outbox beyond which none are accepted: in all, and of one algorithm, so that one
/// whose topics take nothing leaves room for others.
const MOST: usize = 10_000;
const MOST_OF_ONE: usize = 1_000;

pub(super) struct Outbox {
    journal: Journal,
    control_plane: ControlPlane,
    connections: Connections,
    ids: Arc<dyn Ids>,
    /// Tells the drain that there is something for it.
    wake: Notify,
    /// How many runs of which algorithm the drain has to do, as far as is known.
    left: Mutex<HashMap<AlgorithmId, usize>>,
    /// Runs that their own tasks publish.
    busy: Mutex<HashSet<i64>>,
    /// Topics that did not take the last message. A run that was just decided spares them.
    down: Mutex<HashSet<TopicId>>,
    /// Runs that only wait for topics which their results are too large for, and until when.
    too_large: Mutex<HashMap<i64, Instant>>,
}

/// What came of sending a result to a topic.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sent {
    Taken,
    NotNow,
    TooLarge,
}

/// Keeps the drain away from a run until dropped.
pub(super) struct Busy<'o> {
    outbox: &'o Outbox,
    run: RunKey,
}

#[derive(Debug, thiserror::Error)]
enum PublishError {
    #[error("its publishers are not known")]
    ControlPlane(#[from] CallError),
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl Outbox {
    pub(super) fn new(
        journal: Journal,
        control_plane: ControlPlane,
        connector: Arc<dyn Connector>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        Self {
            journal,
            control_plane,
            connections: Connections::new(connector),
            ids,
            wake: Notify::new(),
            left: Mutex::default(),
            busy: Mutex::default(),
            down: Mutex::default(),
            too_large: Mutex::default(),
        }
    }

    /// Whether so much waits that an algorithm's runs are refused.
    pub(super) fn is_crowded(&self, algorithm: &AlgorithmId) -> bool {
        let left = lock(&self.left);
        let own = left.get(algorithm).copied().unwrap_or_default();
        own >= MOST_OF_ONE || left.values().sum::<usize>() >= MOST
    }

    pub(super) fn hold(&self, run: RunKey) -> Busy<'_> {
        lock(&self.busy).insert(run.number());
        Busy { outbox: self, run }
    }

    /// Publishes a run that was just decided; what does not get through is left to the drain.
    pub(super) async fn publish_now(&self, run: &Unpublished, recorded: &Recorded) {
        let sent = self.publish(run, recorded, &[], &self.down, FIRST_TRY);
        match sent.await {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => not_published(run, &error),
        }
        *lock(&self.left).entry(run.algorithm.clone()).or_default() += 1;
        self.wake.notify_one();
    }

    /// Publishes what is left, until it is cancelled: at once what a process before left, then
    /// on every hint. After each pass connections are closed, and opened again on use: a broker
    /// may be gone by then, or have another credential.
    pub(super) async fn drain(&self) {
        let mut pause = Pause::new(FIRST_PAUSE, LONGEST_PAUSE);
        loop {
            let passed = self.pass().await;
            self.connections.retain(|_| false);
            match passed {
                Ok(0) => {
                    pause.succeeded();
                    let _hinted = timeout(KEPT, self.wake.notified()).await;
                }
                Ok(left) => {
                    tracing::warn!(runs = left, "results wait for topics that do not take them");
                    sleep(pause.failed(&*self.ids)).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "the outbox of direct runs could not be read");
                    sleep(pause.failed(&*self.ids)).await;
                }
            }
        }
    }

    /// Tries every run in the outbox once; answers how many are left.
    async fn pass(&self) -> Result<usize, JournalError> {
        let down = Mutex::default();
        let mut after = 0;
        let mut left = HashMap::<AlgorithmId, usize>::new();
        loop {
            let page = self.journal.unpublished_direct(after, PAGE).await?;
            let Some(last) = page.last() else {
                break;
            };
            after = last.run.number();
            for runs in page.chunks(AT_ONCE) {
                let done = join_all(runs.iter().map(|run| self.publish_stored(run, &down))).await;
                let undone = runs.iter().zip(done).filter(|(_, done)| !done);
                for (run, _) in undone {
                    *left.entry(run.algorithm.clone()).or_default() += 1;
                }
            }
        }
        lock(&self.too_large).retain(|_, until| *until > Instant::now());
        *lock(&self.down) = down.into_inner().unwrap_or_else(PoisonError::into_inner);
        let all = left.values().sum();
        *lock(&self.left) = left;
        Ok(all)
    }

    /// Publishes a run from the journal; whether nothing is left to be done.
    async fn publish_stored(&self, run: &Unpublished, down: &Mutex<HashSet<TopicId>>) -> bool {
        let number = run.run.number();
        if lock(&self.busy).contains(&number) {
            return true;
        }
        // Not even read, since it is large.
        let until = lock(&self.too_large).get(&number).copied();
        if until.is_some_and(|until| until > Instant::now()) {
            return false;
        }
        let stored = match self.journal.outbox_of(run.run).await {
            Ok(Some(stored)) => stored,
            Ok(None) => return true,
            Err(error) => {
                not_published(run, &error.into());
                return false;
            }
        };
        let (recorded, done) = stored;
        match self.publish(run, &recorded, &done, down, LATER_TRY).await {
            Ok(sent) => sent,
            Err(error) => {
                not_published(run, &error);
                false
            }
        }
    }

    /// Sends a result to the publishers that its version has now, except to those that have it and
    /// to topics that are `down`; whether all have it then. While one of them is being moved to
    /// another broker, nothing is sent.
    async fn publish(
        &self,
        run: &Unpublished,
        recorded: &Recorded,
        done: &[TopicId],
        down: &Mutex<HashSet<TopicId>>,
        limit: Duration,
    ) -> Result<bool, PublishError> {
        let known = self.control_plane.outputs(&run.algorithm, &run.version);
        let VersionOutputs { outputs, brokers } = known.await?;
        self.connections.learn(brokers);
        let Some(topics) = outputs.known() else {
            return Ok(false);
        };
        let left: Vec<_> = topics
            .iter()
            .filter(|topic| !done.contains(topic))
            .collect();
        let sends = left
            .iter()
            .map(|topic| self.send(topic, run, recorded, down, limit));
        let sent = join_all(sends).await;
        if sent.iter().all(|sent| *sent == Sent::Taken) {
            self.journal.published_to_all(run.run).await?;
            return Ok(true);
        }
        if !sent.contains(&Sent::NotNow) {
            let until = Instant::now() + TOO_LARGE_PAUSE;
            lock(&self.too_large).insert(run.run.number(), until);
        }
        for (topic, sent) in left.into_iter().zip(sent) {
            if sent == Sent::Taken {
                self.journal.published_to(run.run, topic.clone()).await?;
            }
        }
        Ok(false)
    }

    /// Sends the result to one topic.
    async fn send(
        &self,
        topic: &TopicId,
        run: &Unpublished,
        recorded: &Recorded,
        down: &Mutex<HashSet<TopicId>>,
        limit: Duration,
    ) -> Sent {
        if lock(down).contains(topic) {
            return Sent::NotNow;
        }
        let origin = Origin {
            algorithm: &run.algorithm,
            listener: None,
            key: None,
        };
        let named = Run::direct(run.run_id, run.run);
        let outgoing = result::outgoing(&topic.topic, &origin, &named, recorded);
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

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        lock(&self.outbox.busy).remove(&self.run.number());
    }
}

fn not_published(run: &Unpublished, error: &PublishError) {
    tracing::warn!(
        run.id = %run.run_id,
        error = error as &dyn std::error::Error,
        "a result is not published yet"
    );
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
