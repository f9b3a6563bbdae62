//! The types of a job.

use async_graphql::{Enum, ID, Object, Result, SimpleObject};

use super::registry::{JobState, NotReached, Reached, Step};
use crate::broker::Broker;
use crate::id::GlobalId;
use crate::scalar::{DateTime, Position};
use crate::user_error::UserError;
use crate::view::View;

pub struct Job(pub(crate) JobState, pub(crate) View);

/// Long work that a mutation began. A job is not recorded: only the server that does the work
/// knows it, and that server remembers the last 1,000 jobs that ended. If the server stopped
/// before the job ended, send the mutation again with the same idempotency key, and it continues.
#[Object]
impl Job {
    /// Its global id. Mutations with the same idempotency key share one job.
    pub async fn id(&self) -> ID {
        GlobalId::Job(self.0.id).encode()
    }

    /// What kind of work it does.
    async fn work(&self) -> JobWork {
        self.0.work
    }

    /// Its state.
    async fn state(&self) -> JobStateName {
        match &self.0.end {
            None => JobStateName::Running,
            Some(end) => match &end.result {
                Ok(_) => JobStateName::Succeeded,
                Err(NotReached::Refused(_)) => JobStateName::Refused,
                Err(NotReached::Failed(_)) => JobStateName::Failed,
            },
        }
    }

    /// Its steps so far, in the order in which they began; while the job is running, so is the
    /// last one.
    async fn steps(&self) -> Vec<JobStep> {
        self.0.steps.iter().map(JobStep::of).collect()
    }

    /// When it began.
    async fn started_at(&self) -> DateTime {
        DateTime(self.0.started_at)
    }

    /// When it ended; null while it is running.
    async fn ended_at(&self) -> Option<DateTime> {
        self.0.end.as_ref().map(|end| DateTime(end.at))
    }

    /// Its result; null until it has succeeded.
    async fn result(&self) -> Option<JobResult> {
        let end = self.0.end.as_ref()?;
        let reached = end.result.as_ref().ok()?;
        Some(JobResult(*reached, self.1.clone()))
    }

    /// Why nothing was done; empty unless `state` is `REFUSED`.
    async fn user_errors(&self) -> Vec<UserError> {
        let end = self.0.end.as_ref().map(|end| &end.result);
        match end {
            Some(Err(NotReached::Refused(error))) => vec![error.clone()],
            _ => Vec::new(),
        }
    }

    /// What went wrong, for people; null unless `state` is `FAILED`.
    async fn failure(&self) -> Option<String> {
        let end = self.0.end.as_ref().map(|end| &end.result);
        match end {
            Some(Err(NotReached::Failed(error))) => Some(error.message.clone()),
            _ => None,
        }
    }
}

pub struct JobResult(Reached, View);

/// The result of a job.
#[Object]
impl JobResult {
    /// The broker that was connected or inspected, or the replacement; null if it is no longer
    /// connected.
    async fn broker(&self) -> Option<Result<Broker>> {
        self.1.find(self.0.broker, Broker).await
    }

    /// The position of the mutation's last event.
    async fn position(&self) -> Position {
        Position(self.0.position)
    }
}

/// A step of a job.
#[derive(SimpleObject)]
pub struct JobStep {
    /// What kind of work it does.
    pub kind: JobStepKind,
    /// When it began.
    pub started_at: DateTime,
    /// When it ended; null while it is running.
    pub ended_at: Option<DateTime>,
    /// How many topics it has processed so far.
    pub topics: u32,
    /// How many topics it has to process in total; null until that is known.
    pub of_topics: Option<u32>,
}

/// What a job does. Kinds are added over time: keep a branch for unknown ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum JobWork {
    /// `brokerConnect`.
    BrokerConnect,
    /// `brokerTopicsDiscover`.
    BrokerTopicsDiscover,
    /// `brokerReplace`.
    BrokerReplace,
}

/// The state of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "JobState")]
pub enum JobStateName {
    /// It is running.
    Running,
    /// It is done.
    Succeeded,
    /// Nothing was done, for a reason that the caller can act on; see `userErrors`.
    Refused,
    /// It failed; `failure` says why. Send the mutation again with the same idempotency key.
    Failed,
}

/// What a step of a job does. Kinds are added over time: keep a branch for unknown ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum JobStepKind {
    /// A worker connects to the broker and lists its topics.
    ListTopics,
    /// The topics that were found are recorded.
    RecordTopics,
    /// Policies move what depends on the topics to the replacement, or end it.
    MoveTopics,
}

impl JobStep {
    fn of(step: &Step) -> Self {
        let count = |topics: usize| u32::try_from(topics).unwrap_or(u32::MAX);
        Self {
            kind: step.kind,
            started_at: DateTime(step.started_at),
            ended_at: step.ended_at.map(DateTime),
            topics: count(step.topics),
            of_topics: step.of_topics.map(count),
        }
    }
}
