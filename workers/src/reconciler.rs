//! What is assigned against what runs: the difference, and a keeper per listener that makes it.

mod keeper;

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::keeper::Keeper;
use crate::control_plane::assignment::{Assignment, Change};
use crate::resources::Resources;

/// What brings a running consumer from one assignment to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Nothing,
    /// The consumer continues under the new assignment.
    Update,
    /// The source itself is another: the consumer ends and a new one begins.
    Restart,
}

/// The step from `running` to `desired`.
pub(crate) fn step(running: &Assignment, desired: &Assignment) -> Step {
    let same_source = running.topic == desired.topic
        && running.group == desired.group
        && running.broker == desired.broker
        && running.settings.start == desired.settings.start
        && running.settings.concurrency == desired.settings.concurrency;
    if !same_source {
        Step::Restart
    } else if running == desired {
        Step::Nothing
    } else {
        Step::Update
    }
}

/// The listeners of a worker, each with its keeper.
pub(crate) struct Reconciler {
    resources: Arc<Resources>,
    keepers: HashMap<String, Kept>,
    /// Keepers that were told to end, until they have.
    ending: HashMap<String, JoinHandle<()>>,
}

struct Kept {
    desired: watch::Sender<Arc<Assignment>>,
    stop: CancellationToken,
    ended: JoinHandle<()>,
}

impl Reconciler {
    pub(crate) fn new(resources: Arc<Resources>) -> Self {
        Self {
            resources,
            keepers: HashMap::new(),
            ending: HashMap::new(),
        }
    }

    /// Starts, stops or updates what `changes` say.
    pub(crate) fn apply(&mut self, changes: Vec<Change>) {
        self.ending.retain(|_, ended| !ended.is_finished());
        for change in changes {
            match change.assignment {
                Some(assignment) => self.keep(change.listener_id, Arc::new(assignment)),
                None => self.end(&change.listener_id),
            }
        }
        let wanted: Vec<_> = self
            .keepers
            .values()
            .map(|kept| kept.desired.borrow().clone())
            .collect();
        self.resources.connections.retain(|id| {
            wanted.iter().any(|assignment| {
                let outputs = assignment.outputs.known().into_iter();
                outputs
                    .flat_map(|outputs| outputs.iter())
                    .map(|output| &output.broker)
                    .chain([&assignment.broker])
                    .any(|connection| connection.id == id)
            })
        });
    }

    /// Stops everything and waits until it has stopped.
    pub(crate) async fn stop(mut self) {
        let listeners: Vec<_> = self.keepers.keys().cloned().collect();
        for listener in listeners {
            self.end(&listener);
        }
        for (listener, ended) in self.ending {
            if let Err(error) = ended.await {
                tracing::error!(listener.id = listener, %error, "a listener's keeper panicked");
            }
        }
    }

    fn keep(&mut self, listener_id: String, assignment: Arc<Assignment>) {
        if let Some(kept) = self.keepers.get(&listener_id) {
            kept.desired.send_replace(assignment);
            return;
        }
        let (desired, follow) = watch::channel(assignment);
        let stop = CancellationToken::new();
        let keeper = Keeper::new(
            Arc::clone(&self.resources),
            listener_id.clone(),
            follow,
            stop.clone(),
        );
        let predecessor = self.ending.remove(&listener_id);
        let ended = tokio::spawn(async move {
            if let Some(predecessor) = predecessor {
                // Its panic was its own.
                let _ = predecessor.await;
            }
            keeper.run().await;
        });
        let kept = Kept {
            desired,
            stop,
            ended,
        };
        self.keepers.insert(listener_id, kept);
    }

    fn end(&mut self, listener_id: &str) {
        if let Some(kept) = self.keepers.remove(listener_id) {
            kept.stop.cancel();
            self.ending.insert(listener_id.to_owned(), kept.ended);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::assignment::Outputs;
    use crate::control_plane::assignment::tests::assignment;

    fn step_after(change: impl FnOnce(&mut Assignment)) -> Step {
        let running = assignment();
        let mut desired = assignment();
        change(&mut desired);
        step(&running, &desired)
    }

    #[test]
    fn what_does_not_concern_the_source_is_handed_to_the_running_consumer() {
        assert_eq!(step_after(|_| {}), Step::Nothing);
        assert_eq!(step_after(|a| a.version = None), Step::Update);
        assert_eq!(step_after(|a| a.dlq = Some("dlq".to_owned())), Step::Update);
        assert_eq!(step_after(|a| a.outputs = Outputs::Moving), Step::Update);
        assert_eq!(
            step_after(|a| a.settings.retry.max_attempts += 1),
            Step::Update
        );
        assert_eq!(
            step_after(|a| a.settings.max_message_bytes += 1),
            Step::Update
        );
        assert_eq!(step_after(|a| a.revision = "99".to_owned()), Step::Update);
    }

    #[test]
    fn another_source_needs_another_consumer() {
        assert_eq!(step_after(|a| a.topic.push('x')), Step::Restart);
        assert_eq!(step_after(|a| a.group.push('x')), Step::Restart);
        assert_eq!(step_after(|a| a.broker.id.push('x')), Step::Restart);
        assert_eq!(step_after(|a| a.settings.concurrency += 1), Step::Restart);
    }
}
