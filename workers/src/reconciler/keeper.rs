//! Keeps one listener served: runs its consumer, starts it again, and says what became of it.

use std::sync::Arc;
use std::time::Duration;

use domain::consumer::ConsumerState;
use domain::{Assignment, ListenerId};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Desired, Ending, Step, step};
use crate::consumer::{self, ConsumerError};
use crate::control_plane::Report;
use crate::journal::Observed;
use crate::pause::Pause;
use crate::resources::Resources;

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

pub(crate) struct Keeper {
    resources: Arc<Resources>,
    listener: ListenerId,
    desired: watch::Receiver<Arc<Desired>>,
    current: watch::Receiver<Arc<Assignment>>,
    ending: Ending,
}

impl Keeper {
    pub(super) fn new(
        resources: Arc<Resources>,
        listener: ListenerId,
        desired: watch::Receiver<Arc<Desired>>,
        current: watch::Receiver<Arc<Assignment>>,
        ending: Ending,
    ) -> Self {
        Self {
            resources,
            listener,
            desired,
            current,
            ending,
        }
    }

    /// Runs consumers until it is told to stop.
    pub(super) async fn run(mut self) {
        let _quiet = self.ending.quiet.clone().drop_guard();
        let mut pause = Pause::new(FIRST_PAUSE, LONGEST_PAUSE);
        let group = self.desired.borrow().assignment.group;
        while !self.ending.stop.is_cancelled() {
            let report = match self.run_one().await {
                Ok(()) => {
                    pause.succeeded();
                    self.report(Report::Stopped).await;
                    continue;
                }
                Err(error) => error.to_string(),
            };
            tracing::warn!(
                listener.id = %self.listener,
                error = report,
                "a consumer ended by itself and will be started again"
            );
            let failed = Observed {
                state: ConsumerState::Failed,
                reason: Some(report.clone()),
                partitions: 0,
                lag: None,
            };
            self.resources.statuses.set(group, failed);
            self.report(Report::Failed(report)).await;
            let wait = pause.failed(&*self.resources.ids);
            tokio::select! {
                () = self.ending.stop.cancelled() => self.report(Report::Stopped).await,
                () = tokio::time::sleep(wait) => {}
            }
        }
        self.resources.statuses.end(group);
    }

    /// Runs a consumer until it fails, or is to stop, or to be another one.
    async fn run_one(&mut self) -> Result<(), ConsumerError> {
        let mut running = Arc::clone(&self.desired.borrow_and_update());
        // Ends this consumer, or the listener, and nothing is called any more at that moment.
        let stop = self.ending.stop.child_token();
        let ending = Ending {
            withdrawn: self.ending.withdrawn.clone(),
            stop: stop.clone(),
            quiet: CancellationToken::new(),
        };
        let (quiet, ended) = (ending.quiet.clone(), self.ending.clone());
        let is_quiet = async {
            quiet.cancelled().await;
            ended.stop.cancelled().await;
        };
        let current = self.current.clone();
        let consumer = consumer::run(&self.resources, &self.listener, current, ending);
        tokio::pin!(consumer, is_quiet);
        loop {
            tokio::select! {
                ended = &mut consumer => return ended,
                () = &mut is_quiet, if !ended.quiet.is_cancelled() => ended.quiet.cancel(),
                changed = self.desired.changed(), if !stop.is_cancelled() => {
                    if changed.is_err() {
                        // The reconciler was dropped, so the keeper ends.
                        self.ending.stop.cancel();
                        continue;
                    }
                    let desired = Arc::clone(&self.desired.borrow_and_update());
                    match step(&running, &desired) {
                        Step::Nothing => {}
                        // The consumer has seen it.
                        Step::Update => running = desired,
                        Step::Restart => stop.cancel(),
                    }
                }
            }
        }
    }

    async fn report(&self, report: Report) {
        self.resources.reporter.report(&self.listener, report).await;
    }
}
