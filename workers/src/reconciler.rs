//! What is assigned against what runs: the difference, and a keeper per listener that makes it.

mod keeper;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use domain::broker::BrokerSettings;
use domain::{Assignment, BrokerId, ListenerId};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::keeper::Keeper;
use crate::control_plane::frame::Assignments;
use crate::resources::Resources;

/// A listener as it is to be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Desired {
    pub(crate) assignment: Arc<Assignment>,
    /// How the broker of its topic is reached; none while the control plane has not said.
    pub(crate) broker: Option<Arc<BrokerSettings>>,
}

/// What brings a running consumer from one assignment to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Nothing,
    /// The consumer goes on under the new assignment.
    Update,
    /// The source itself is another: the consumer ends and a new one begins.
    Restart,
}

/// The step from `running` to `desired`.
pub(crate) fn step(running: &Desired, desired: &Desired) -> Step {
    let (now, then) = (&running.assignment, &desired.assignment);
    let same_source = now.group == then.group
        && now.settings.start == then.settings.start
        && now.reset == then.reset
        && now.settings.concurrency == then.settings.concurrency
        && now.settings.most_called() == then.settings.most_called()
        && now.settings.ordering == then.settings.ordering
        && running.broker == desired.broker;
    if !same_source {
        Step::Restart
    } else if running == desired {
        Step::Nothing
    } else {
        Step::Update
    }
}

/// How a listener's end is told, and heard of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ending {
    /// Cancelled first if the control plane withdrew the assignment: it may permit nothing any more.
    pub(crate) withdrawn: CancellationToken,
    /// Cancelled when the listener is to end here.
    pub(crate) stop: CancellationToken,
    /// Cancelled by the keeper once nothing more is read.
    pub(crate) quiet: CancellationToken,
}

/// The listeners of a worker, each with its keeper.
pub(crate) struct Reconciler {
    resources: Arc<Resources>,
    keepers: HashMap<ListenerId, Kept>,
    /// Keepers that were told to end, until they have.
    ending: HashMap<ListenerId, JoinHandle<()>>,
    /// Of the listeners that were withdrawn: cancelled once nothing more is read for them.
    quiet: Vec<CancellationToken>,
    /// The listeners of a snapshot, from its first part to its last.
    snapshot: Option<HashSet<ListenerId>>,
}

struct Kept {
    desired: watch::Sender<Arc<Desired>>,
    /// What the running consumer sees at once, whatever the keeper does.
    current: watch::Sender<Arc<Assignment>>,
    ending: Ending,
    ended: JoinHandle<()>,
}

impl Reconciler {
    pub(crate) fn new(resources: Arc<Resources>) -> Self {
        Self {
            resources,
            keepers: HashMap::new(),
            ending: HashMap::new(),
            quiet: Vec::new(),
            snapshot: None,
        }
    }

    /// Expects all assignments from the start: what they do not name is to stop.
    pub(crate) fn expect_snapshot(&mut self) {
        self.snapshot = Some(HashSet::new());
    }

    /// Starts, stops or updates what a part of the assignments says.
    pub(crate) fn apply(&mut self, part: Assignments) {
        self.ending.retain(|_, ended| !ended.is_finished());
        let learned = !part.brokers.is_empty();
        self.resources.connections.learn(part.brokers);
        for change in part.changes {
            match change.assignment {
                Some(assignment) => self.keep(change.listener, Arc::new(assignment)),
                None => self.withdraw(&change.listener),
            }
        }
        if part.complete {
            self.end_unnamed();
        }
        if learned {
            self.reconnect();
        }
        let used = self.used_brokers();
        self.resources.connections.retain(|id| used.contains(&id));
    }

    /// What is cancelled once nothing more is read for the listeners that were withdrawn.
    pub(crate) fn quiet(&mut self) -> Vec<CancellationToken> {
        self.quiet.retain(|quiet| !quiet.is_cancelled());
        self.quiet.clone()
    }

    /// At the end of a snapshot, stops what it did not name.
    fn end_unnamed(&mut self) {
        let Some(named) = self.snapshot.take() else {
            return;
        };
        let unnamed = self.keepers.keys().filter(|id| !named.contains(*id));
        let unnamed: Vec<_> = unnamed.cloned().collect();
        for listener in unnamed {
            self.withdraw(&listener);
        }
    }

    /// Tells the keepers of listeners whose broker is reached in another way by now.
    fn reconnect(&self) {
        for (listener, kept) in &self.keepers {
            let broker = self.resources.connections.settings(listener.topic.broker);
            kept.desired.send_if_modified(|desired| {
                let changed = desired.broker != broker;
                if changed {
                    let assignment = Arc::clone(&desired.assignment);
                    *desired = Arc::new(Desired { assignment, broker });
                }
                changed
            });
        }
    }

    /// The brokers that are read from or published to.
    fn used_brokers(&self) -> HashSet<BrokerId> {
        let mut used = HashSet::new();
        for (listener, kept) in &self.keepers {
            used.insert(listener.topic.broker);
            let desired = kept.desired.borrow();
            let outputs = desired.assignment.outputs.known().unwrap_or_default();
            used.extend(outputs.iter().map(|topic| topic.broker));
        }
        used
    }

    /// Stops everything and waits until it has stopped.
    pub(crate) async fn stop(&mut self) {
        let listeners: Vec<_> = self.keepers.keys().cloned().collect();
        for listener in listeners {
            self.end(&listener);
        }
        while let Some((listener, ended)) = self.ending.iter_mut().next() {
            let listener = listener.clone();
            if let Err(error) = ended.await {
                tracing::error!(listener.id = %listener, %error, "a listener's keeper panicked");
            }
            // Not before: this may be cancelled, and be called again.
            self.ending.remove(&listener);
        }
    }

    fn keep(&mut self, listener: ListenerId, assignment: Arc<Assignment>) {
        if let Some(named) = &mut self.snapshot {
            named.insert(listener.clone());
        }
        let broker = self.resources.connections.settings(listener.topic.broker);
        let current = Arc::clone(&assignment);
        let desired = Arc::new(Desired { assignment, broker });
        if let Some(kept) = self.keepers.get(&listener) {
            kept.current.send_replace(current);
            kept.desired.send_replace(desired);
            return;
        }
        let (desired, follow) = watch::channel(desired);
        let (current, follow_current) = watch::channel(current);
        let ending = Ending::default();
        let keeper = Keeper::new(
            Arc::clone(&self.resources),
            listener.clone(),
            follow,
            follow_current,
            ending.clone(),
        );
        let predecessor = self.ending.remove(&listener);
        let begins = ending.clone();
        let ended = tokio::spawn(async move {
            if let Some(mut predecessor) = predecessor {
                // Its panic was its own.
                tokio::select! {
                    _ = &mut predecessor => {}
                    () = begins.stop.cancelled() => {
                        begins.quiet.cancel();
                        let _ = predecessor.await;
                    }
                }
            }
            keeper.run().await;
        });
        let kept = Kept {
            desired,
            current,
            ending,
            ended,
        };
        self.keepers.insert(listener, kept);
    }

    /// Ends a listener that may be permitted nothing any more.
    fn withdraw(&mut self, listener: &ListenerId) {
        if let Some(kept) = self.keepers.get(listener) {
            kept.ending.withdrawn.cancel();
            self.quiet.push(kept.ending.quiet.clone());
        }
        self.end(listener);
    }

    fn end(&mut self, listener: &ListenerId) {
        if let Some(kept) = self.keepers.remove(listener) {
            kept.ending.stop.cancel();
            self.ending.insert(listener.clone(), kept.ended);
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::broker::{BrokerSettings, KafkaSecurity};
    use domain::listener::{MessageOrdering, ResetTarget};
    use domain::{Outputs, Position, PositionReset};
    use uuid::Uuid;

    use super::*;
    use crate::control_plane::frame::tests::assignment;

    fn desired(assignment: Assignment, bootstrap: &str) -> Desired {
        Desired {
            assignment: Arc::new(assignment),
            broker: Some(Arc::new(BrokerSettings::Kafka {
                bootstrap_servers: vec![bootstrap.to_owned()],
                security: KafkaSecurity::Plaintext,
            })),
        }
    }

    fn step_after(change: impl FnOnce(&mut Assignment)) -> Step {
        let mut changed = assignment();
        change(&mut changed);
        step(
            &desired(assignment(), "a:9092"),
            &desired(changed, "a:9092"),
        )
    }

    #[test]
    fn what_does_not_concern_the_source_is_handed_to_the_running_consumer() {
        assert_eq!(step_after(|_| {}), Step::Nothing);
        assert_eq!(step_after(|a| a.version = None), Step::Update);
        assert_eq!(step_after(|a| a.dlq = "dlq".parse().ok()), Step::Update);
        assert_eq!(
            step_after(|a| a.outputs = Outputs::Moving(Vec::new())),
            Step::Update
        );
        assert_eq!(
            step_after(|a| a.settings.retry.max_attempts += 1),
            Step::Update
        );
        assert_eq!(
            step_after(|a| a.settings.max_message_bytes += 1),
            Step::Update
        );
        assert_eq!(step_after(|a| a.revision.0 = 99), Step::Update);
    }

    #[test]
    fn another_source_needs_another_consumer() {
        assert_eq!(step_after(|a| a.group = Uuid::nil()), Step::Restart);
        assert_eq!(step_after(|a| a.settings.concurrency += 1), Step::Restart);
        let by_key = MessageOrdering::Key;
        assert_eq!(step_after(|a| a.settings.ordering = by_key), Step::Restart);
        let reset = PositionReset {
            at: Position(7),
            to: ResetTarget::Earliest,
        };
        assert_eq!(step_after(|a| a.reset = Some(reset)), Step::Restart);
        let (one, other) = (
            desired(assignment(), "a:9092"),
            desired(assignment(), "b:9092"),
        );
        assert_eq!(step(&one, &other), Step::Restart);
    }
}
