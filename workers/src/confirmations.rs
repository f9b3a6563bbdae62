//! Tells the journal how far this worker has come, which renews its lease.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use domain::worker::Confirmed;
use domain::{AlgorithmId, Position, TopicId, Version, WorkerId};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::control_plane::frame::VersionOutputs;
use crate::journal::Journal;
use crate::lease::Lease;
use crate::publishers::Publishers;
use crate::sends::{Right, Sends, UnderWay};

/// How often the lease is renewed while it lasts.
const RENEWALS: u32 = 3;

/// How long what is under way is waited for until it is told that it is still under way.
const SHORTLY: Duration = Duration::from_millis(500);

/// The publishers of versions as they were answered.
type Answered = HashMap<(Arc<AlgorithmId>, Version), Arc<VersionOutputs>>;

/// How far the worker has come, and what tells the others.
pub(crate) struct Confirmations {
    journal: Journal,
    worker: WorkerId,
    lease: Arc<Lease>,
    sends: Arc<Sends>,
    publishers: Arc<Publishers>,
    applied: watch::Sender<Option<Applied>>,
}

/// Assignments that were applied up to a position.
#[derive(Clone)]
struct Applied {
    position: Position,
    /// Cancelled once nothing is read any more for a listener that was withdrawn.
    quiet: Vec<CancellationToken>,
}

impl Confirmations {
    pub(crate) fn new(
        journal: Journal,
        worker: WorkerId,
        lease: Arc<Lease>,
        sends: Arc<Sends>,
        publishers: Arc<Publishers>,
    ) -> Self {
        Self {
            journal,
            worker,
            lease,
            sends,
            publishers,
            applied: watch::Sender::new(None),
        }
    }

    /// The assignments up to that position are applied; each of `quiet` is cancelled once nothing is
    /// read any more for a listener that was withdrawn.
    pub(crate) fn applied(&self, position: Position, quiet: Vec<CancellationToken>) {
        let applied = Applied { position, quiet };
        self.applied.send_replace(Some(applied));
    }

    /// Confirms each position that is applied, and renews the lease, until it is cancelled.
    pub(crate) async fn keep(&self) {
        let mut followed = self.applied.subscribe();
        let mut ended = Position::default();
        let mut is_told = false;
        let mut ticks = interval(self.lease.length() / RENEWALS);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let applied = followed.borrow_and_update().clone();
            let is_ending = match &applied {
                Some(applied) if ended < applied.position => {
                    let soon = timeout(SHORTLY, self.until_ended(applied)).await;
                    if soon.is_ok() {
                        ended = applied.position;
                    }
                    soon.is_err()
                }
                _ => false,
            };
            if let Some(applied) = &applied {
                // A position of another log may be lower than one before.
                ended = ended.min(applied.position);
                is_told = self.confirm(applied.position, ended, is_told).await;
            }
            let ending = async {
                match &applied {
                    Some(applied) => self.until_ended(applied).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = followed.changed() => if changed.is_err() { return },
                _ = ticks.tick() => {}
                () = ending, if is_ending => {}
            }
        }
    }

    /// Waits until nothing is under way any more that is forbidden by now, but for calls.
    async fn until_ended(&self, applied: &Applied) {
        for quiet in &applied.quiet {
            quiet.cancelled().await;
        }
        let mark = self.sends.mark();
        // What was answered once is not older than the assignments.
        let mut answered = HashMap::new();
        loop {
            let mut ended = pin!(self.sends.ended().notified());
            ended.as_mut().enable();
            let mut is_forbidden = false;
            for under_way in self.sends.begun_before(mark) {
                is_forbidden |= !self.permits(&under_way, &mut answered).await;
            }
            if !is_forbidden {
                return;
            }
            ended.await;
        }
    }

    /// Whether it is known that a message may be written to all its topics.
    async fn permits(&self, under_way: &UnderWay, answered: &mut Answered) -> bool {
        let Some(topics) = &under_way.topics else {
            return false;
        };
        match &under_way.right {
            Right::Publishers(algorithm, version) => {
                let key = (Arc::clone(algorithm), version.clone());
                if !answered.contains_key(&key) {
                    let Ok(now) = self.publishers.now(algorithm, version).await else {
                        return false;
                    };
                    answered.insert(key.clone(), now);
                }
                let permitted = answered[&key].outputs.decided();
                topics.iter().all(|topic| permitted.contains(topic))
            }
            Right::Listener(assignment, withdrawn) => {
                let assignment = assignment.borrow();
                let dlq = assignment.permitted_dlq();
                let is_dlq = |topic: &TopicId| Some(&topic.topic) == dlq;
                !withdrawn.is_cancelled() && topics.iter().all(is_dlq)
            }
        }
    }

    /// Confirms, and renews the lease if the worker has come as far as is required. Returns whether it
    /// has not, which is told once.
    async fn confirm(&self, applied: Position, ended: Position, is_told: bool) -> bool {
        let asked_at = Instant::now();
        let confirmed = Confirmed { applied, ended };
        let answered = self.journal.confirm(self.worker, confirmed).await;
        let lease = self.lease.length().as_secs();
        match answered {
            Ok(required) if required <= applied => {
                self.lease.renew(asked_at);
                return false;
            }
            Ok(required) if !is_told => tracing::warn!(
                applied = applied.0,
                required = required.0,
                "the assignments are behind: unless they catch up within {lease} s, nothing is \
                 read, called or published"
            ),
            Err(error) if !is_told => tracing::warn!(
                %error,
                "the worker's lease is not renewed: after {lease} s, nothing is read, called or \
                 published"
            ),
            Ok(_) | Err(_) => {}
        }
        true
    }
}
