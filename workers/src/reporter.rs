//! Tells the control plane what became of consumers: until it accepts, in order for each listener.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use domain::{Ids, ListenerId};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::control_plane::{CallError, ControlPlane, Report};
use crate::pause::Pause;

/// Reports under way at once. A listener's all go the same way, one after the other.
const LANES: usize = 16;

/// Reports that wait in a lane; a reporter with more of them waits.
const QUEUE: usize = 256;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Takes reports. Clones share the lanes.
#[derive(Clone)]
pub(crate) struct Reporter {
    lanes: Arc<[mpsc::Sender<Entry>]>,
}

struct Entry {
    listener: ListenerId,
    report: Report,
}

/// The lanes at work.
pub(crate) struct Lanes(JoinSet<()>);

impl Reporter {
    /// A reporter that gives up what is not accepted when `give_up` is cancelled.
    pub(crate) fn new(
        control_plane: &ControlPlane,
        ids: &Arc<dyn Ids>,
        give_up: &CancellationToken,
    ) -> (Self, Lanes) {
        let mut tasks = JoinSet::new();
        let lanes = (0..LANES).map(|_| {
            let (sender, entries) = mpsc::channel(QUEUE);
            let lane = work(control_plane.clone(), Arc::clone(ids), entries);
            let give_up = give_up.clone();
            tasks.spawn(async move {
                // Cancelled between two polls, it leaves the control plane to find out by itself.
                give_up.run_until_cancelled(lane).await;
            });
            sender
        });
        let lanes = lanes.collect();
        (Self { lanes }, Lanes(tasks))
    }

    /// Puts the report in line.
    pub(crate) async fn report(&self, listener: &ListenerId, report: Report) {
        let mut hasher = DefaultHasher::new();
        listener.hash(&mut hasher);
        let lane = usize::try_from(hasher.finish() % LANES as u64).unwrap_or_default();
        let entry = Entry {
            listener: listener.clone(),
            report,
        };
        // The lanes end before their senders only when they give up.
        let _ = self.lanes[lane].send(entry).await;
    }
}

impl Lanes {
    /// Waits until everything is reported, once all reporters are dropped.
    pub(crate) async fn finish(mut self) {
        while self.0.join_next().await.is_some() {}
    }
}

async fn work(control_plane: ControlPlane, ids: Arc<dyn Ids>, mut entries: mpsc::Receiver<Entry>) {
    while let Some(Entry { listener, report }) = entries.recv().await {
        let key = control_plane.key();
        let told = persist(&*ids, || control_plane.report(&listener, &report, &key));
        if let Err(error) = told.await {
            tracing::error!(listener.id = %listener, %error, "a report was refused");
        }
    }
}

/// Repeats `call` until it is accepted or refused.
pub(crate) async fn persist<F>(ids: &dyn Ids, call: impl Fn() -> F) -> Result<(), CallError>
where
    F: Future<Output = Result<(), CallError>>,
{
    let mut pause = Pause::new(FIRST_PAUSE, LONGEST_PAUSE);
    loop {
        match call().await {
            Err(CallError::Transport(error)) => {
                if pause.failures() == 0 {
                    tracing::warn!(%error, "the control plane did not take a call, which is repeated");
                }
                tokio::time::sleep(pause.failed(ids)).await;
            }
            ended => return ended,
        }
    }
}
