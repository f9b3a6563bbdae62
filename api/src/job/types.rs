//! The types of a job.

use async_graphql::{Enum, ID, Object, Result, SimpleObject};

use super::registry::{JobState, NotReached, Reached, Step};
use crate::broker::Broker;
use crate::id::GlobalId;
use crate::scalar::{DateTime, Position};
use crate::user_error::UserError;
use crate::view::View;

pub struct Job(pub(crate) JobState, pub(crate) View);

/// Long work that a mutation began. The server that does it knows it, with the last 1,000 jobs
/// that ended; it is not recorded. Where it broke off with its server, the mutation is sent again
/// under the same idempotency key, and continues.
#[Object]
impl Job {
    /// Its global id. Mutations with the same idempotency key are the same job.
    pub async fn id(&self) -> ID {
        GlobalId::Job(self.0.id).encode()
    }

    /// What is done.
    async fn work(&self) -> JobWork {
        self.0.work
    }

    /// What has become of it.
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

    /// Its parts so far, in the order in which they began; the last one goes on while the job does.
    async fn steps(&self) -> Vec<JobStep> {
        self.0.steps.iter().map(JobStep::of).collect()
    }

    /// When it began.
    async fn started_at(&self) -> DateTime {
        DateTime(self.0.started_at)
    }

    /// When it ended; null while it goes on.
    async fn ended_at(&self) -> Option<DateTime> {
        self.0.end.as_ref().map(|end| DateTime(end.at))
    }

    /// What it came to; null until it has succeeded.
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

/// What a job came to.
#[Object]
impl JobResult {
    /// The broker that was connected or looked at, or the replacement; null when it is not
    /// connected any more.
    async fn broker(&self) -> Option<Result<Broker>> {
        self.1.find(self.0.broker, Broker).await
    }

    /// The position of the mutation's last event.
    async fn position(&self) -> Position {
        Position(self.0.position)
    }
}

/// A part of a job.
#[derive(SimpleObject)]
pub struct JobStep {
    /// What is done.
    pub kind: JobStepKind,
    /// When it began.
    pub started_at: DateTime,
    /// When it ended; null while it goes on.
    pub ended_at: Option<DateTime>,
    /// How many topics it has dealt with.
    pub topics: u32,
    /// How many topics it deals with in all; null while that is not known.
    pub of_topics: Option<u32>,
}

/// What a job does. More are added over time: keep a branch for unknown ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum JobWork {
    /// `brokerConnect`.
    BrokerConnect,
    /// `brokerTopicsDiscover`.
    BrokerTopicsDiscover,
    /// `brokerReplace`.
    BrokerReplace,
}

/// What has become of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "JobState")]
pub enum JobStateName {
    /// It goes on.
    Running,
    /// It is done.
    Succeeded,
    /// Nothing was done, for a reason that the caller can act on: `userErrors`.
    Refused,
    /// It broke off: `failure`. Send the mutation again, under the same idempotency key.
    Failed,
}

/// What a part of a job does. More are added over time: keep a branch for unknown ones.
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
