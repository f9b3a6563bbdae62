//! The jobs of this server: those under way, and the last ones that ended.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_graphql::Error;
use domain::{BrokerId, Clock, CommandId, Position};
use jiff::Timestamp;
use tokio::sync::watch;
use uuid::Uuid;

use super::types::{JobStepKind, JobWork};
use crate::error::{Code, error};
use crate::mutation::NotDone;
use crate::user_error::UserError;

/// How many jobs can be under way.
const MOST_UNDER_WAY: usize = 64;

/// How many jobs are remembered, those under way included.
const MOST_KEPT: usize = 1000;

/// A job is named by the command that it executes, so the same idempotency key is the same job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct JobId(Uuid);

/// What a job has come to so far.
#[derive(Clone)]
pub(crate) struct JobState {
    pub(super) id: JobId,
    pub(super) work: JobWork,
    pub(super) started_at: Timestamp,
    /// In the order in which they began.
    pub(super) steps: Vec<Step>,
    pub(super) end: Option<End>,
}

/// A step of a job.
#[derive(Clone)]
pub(super) struct Step {
    pub(super) kind: JobStepKind,
    pub(super) started_at: Timestamp,
    pub(super) ended_at: Option<Timestamp>,
    /// How many topics it has processed so far.
    pub(super) topics: usize,
    /// How many topics it deals with, once that is known.
    pub(super) of_topics: Option<usize>,
}

/// How a job ended.
#[derive(Clone)]
pub(super) struct End {
    pub(super) at: Timestamp,
    pub(super) result: Result<Reached, NotReached>,
}

/// What a job did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached {
    pub(crate) broker: BrokerId,
    /// The last event of the mutation.
    pub(crate) position: Position,
}

/// Why a job did not do it.
#[derive(Clone)]
pub(super) enum NotReached {
    Refused(UserError),
    Failed(Error),
}

/// The jobs of this server.
pub struct Jobs {
    clock: Arc<dyn Clock>,
    /// Oldest first.
    kept: Mutex<VecDeque<Kept>>,
}

#[derive(Clone)]
struct Kept {
    /// Of the mutation and its arguments.
    fingerprint: [u8; 32],
    state: watch::Sender<JobState>,
}

/// What a job tells of itself while it is under way.
pub(crate) struct Progress {
    clock: Arc<dyn Clock>,
    state: watch::Sender<JobState>,
}

/// Ends a job, also one whose task panicked.
struct Ending(Progress);

impl Jobs {
    /// No jobs yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            kept: Mutex::default(),
        }
    }

    /// Begins `task` as the job of `command`, unless that job is under way: then it is followed.
    /// The task goes on when nobody follows it any more.
    ///
    /// # Errors
    /// The key of the command is that of another job under way, or too many jobs are.
    pub(crate) fn begin<F>(
        &self,
        command: CommandId,
        fingerprint: [u8; 32],
        work: JobWork,
        task: impl FnOnce(Progress) -> F,
    ) -> Result<watch::Receiver<JobState>, NotDone>
    where
        F: Future<Output = Result<Reached, NotDone>> + Send + 'static,
    {
        let id = JobId(command.0);
        let mut kept = self.kept();
        if let Some(there) = kept.iter().find(|kept| kept.under_way() && kept.id() == id) {
            if there.fingerprint != fingerprint {
                return Err(UserError::key_reused().into());
            }
            return Ok(there.state.subscribe());
        }
        if kept.iter().filter(|kept| kept.under_way()).count() >= MOST_UNDER_WAY {
            let text = "too many jobs are under way; try again later";
            return Err(NotDone::Failed(error(Code::Unavailable, text)));
        }
        // One that ended under the same key is tried again.
        kept.retain(|kept| kept.id() != id);
        if kept.len() >= MOST_KEPT
            && let Some(ended) = kept.iter().position(|kept| !kept.under_way())
        {
            kept.remove(ended);
        }
        let (state, follower) = watch::channel(JobState {
            id,
            work,
            started_at: self.clock.now(),
            steps: Vec::new(),
            end: None,
        });
        kept.push_back(Kept {
            fingerprint,
            state: state.clone(),
        });
        let progress = Progress {
            clock: Arc::clone(&self.clock),
            state: state.clone(),
        };
        let task = task(progress);
        let ending = Ending(Progress {
            clock: Arc::clone(&self.clock),
            state,
        });
        tokio::spawn(async move { ending.0.end(task.await) });
        Ok(follower)
    }

    /// The job of that id, now and as it goes on.
    pub(crate) fn follow(&self, id: JobId) -> Option<watch::Receiver<JobState>> {
        let kept = self.kept();
        let found = kept.iter().rev().find(|kept| kept.id() == id)?;
        Some(found.state.subscribe())
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        // A panic leaves it whole: no single statement changes it in part.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn id(&self) -> JobId {
        self.state.borrow().id
    }

    fn under_way(&self) -> bool {
        self.state.borrow().end.is_none()
    }
}

impl Progress {
    /// Ends the step before, and begins one.
    pub(crate) fn step(&self, kind: JobStepKind, of_topics: Option<usize>) {
        let now = self.clock.now();
        self.state.send_modify(|state| {
            state.end_step(now);
            state.steps.push(Step {
                kind,
                started_at: now,
                ended_at: None,
                topics: 0,
                of_topics,
            });
        });
    }

    /// Tells how many topics the step has dealt with, of how many.
    pub(crate) fn topics(&self, topics: usize, of_topics: usize) {
        self.state.send_if_modified(|state| {
            let Some(step) = state.steps.last_mut() else {
                return false;
            };
            let told = (topics, Some(of_topics));
            let changed = (step.topics, step.of_topics) != told;
            (step.topics, step.of_topics) = told;
            changed
        });
    }

    /// Ends it, unless it has ended.
    fn end(&self, result: Result<Reached, NotDone>) {
        let now = self.clock.now();
        let result = result.map_err(|cause| match cause {
            NotDone::Refused(error) => NotReached::Refused(error),
            NotDone::Failed(error) => NotReached::Failed(error),
            NotDone::UnderWay => unreachable!("a job does not begin another"),
        });
        self.state.send_if_modified(|state| {
            if state.end.is_some() {
                return false;
            }
            state.end_step(now);
            state.end = Some(End { at: now, result });
            true
        });
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end(Err(broken_off()));
    }
}

fn broken_off() -> NotDone {
    let text = "the job was interrupted; send the mutation again";
    NotDone::Failed(error(Code::Unavailable, text))
}

impl JobState {
    pub(super) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    fn end_step(&mut self, now: Timestamp) {
        if let Some(step) = self.steps.last_mut() {
            step.ended_at.get_or_insert(now);
        }
    }

    /// The result, once there is one.
    fn result(&self) -> Option<Result<Position, NotDone>> {
        let end = self.end.as_ref()?;
        Some(match &end.result {
            Ok(reached) => Ok(reached.position),
            Err(NotReached::Refused(error)) => Err(NotDone::Refused(error.clone())),
            Err(NotReached::Failed(error)) => Err(NotDone::Failed(error.clone())),
        })
    }
}

/// The result of a job, if it ends within `patience`.
pub(crate) async fn result_within(
    mut job: watch::Receiver<JobState>,
    patience: Duration,
) -> Result<Position, NotDone> {
    let ended = job.wait_for(|state| state.end.is_some());
    let ended = tokio::time::timeout(patience, ended).await;
    match ended {
        Ok(Ok(state)) => state.result().unwrap_or(Err(NotDone::UnderWay)),
        // It was forgotten meanwhile.
        Ok(Err(_)) => Err(broken_off()),
        Err(_) => Err(NotDone::UnderWay),
    }
}

impl From<CommandId> for JobId {
    fn from(command: CommandId) -> Self {
        Self(command.0)
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for JobId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}
