//! What a listener and its consumers are doing now.

use async_graphql::{Context, Enum, Object, Result, SimpleObject};
use domain::consumer::{self, ConsumerState, ConsumerStatus as Status};
use domain::listener::{self, ActivityCode};

use crate::run::query;
use crate::scalar::{BigInt, DateTime};
use crate::view::View;
use crate::worker::Worker;

/// What a listener is doing, or why it is not moving.
#[derive(SimpleObject)]
pub struct ListenerActivity {
    /// What it is about.
    pub code: ListenerActivityCode,
    /// One sentence for people; it may change.
    pub text: String,
    /// When this began; null where that is not known.
    pub since: Option<DateTime>,
}

/// What a listener is doing. Codes are added over time: keep a branch for unknown ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "ActivityCode")]
pub enum ListenerActivityCode {
    /// It is disabled.
    Disabled,
    /// It was paused.
    Paused,
    /// Its selector picks no version, so that there is nothing to call.
    NoVersion,
    /// Its algorithm may not write faulty messages to the dead letter queue.
    DlqNotGranted,
    /// No live worker serves it.
    NoWorker,
    /// Its broker has no such topic.
    TopicMissing,
    /// Its broker does not answer a worker.
    BrokerUnreachable,
    /// A consumer ended by itself and will be started again.
    ConsumerFailed,
    /// It holds its position until what blocks it has passed.
    Blocked,
    /// Its consumers wait for the consumer group to give them partitions.
    Joining,
    /// It has read all that it can: what is left waits for the end of a producer's transaction.
    TransactionOpen,
    /// It runs, and how far it is behind is not known.
    Running,
    /// It runs, and messages wait.
    Behind,
    /// It runs, and no message waits.
    UpToDate,
}

impl From<listener::ListenerActivity> for ListenerActivity {
    fn from(activity: listener::ListenerActivity) -> Self {
        Self {
            code: activity.code.into(),
            text: activity.text,
            since: activity.since.map(DateTime),
        }
    }
}

/// How far a listener or one of its consumers is behind the end of its topic.
#[derive(SimpleObject)]
pub struct Lag {
    /// How many messages have no decision yet. Kafka counts those that were deleted in between,
    /// too.
    pub messages: BigInt,
    /// How many seconds before the measurement the oldest of them was sent, according to its
    /// broker; 0 if there are none, null if none of them was received yet.
    pub seconds: Option<u32>,
    /// When it was measured; of several consumers, the earliest.
    pub measured_at: DateTime,
}

impl From<consumer::Lag> for Lag {
    fn from(lag: consumer::Lag) -> Self {
        let seconds = lag.age().map(|age| age.as_secs());
        Self {
            messages: BigInt(lag.messages),
            seconds: seconds.map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX)),
            measured_at: DateTime(lag.measured_at),
        }
    }
}

pub struct ConsumerStatus(Status, View);

/// What a consumer is doing, as its worker last said: not an event, and at most some seconds old.
#[Object]
impl ConsumerStatus {
    /// The worker that it runs in; null if the worker has left.
    async fn worker(&self) -> Option<Result<Worker>> {
        self.1.find(self.0.worker, Worker::of_row).await
    }

    /// What it is doing.
    async fn code(&self) -> ConsumerStatusCode {
        self.0.state.into()
    }

    /// Why, if there is something to say.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// When it began to do so.
    async fn since(&self) -> DateTime {
        DateTime(self.0.since)
    }

    /// How many partitions it reads; 0 if other consumers of the group have all of them.
    async fn partition_count(&self) -> u32 {
        self.0.partitions
    }

    /// How far it is behind in its partitions; null where that is not known.
    async fn lag(&self) -> Option<Lag> {
        self.0.lag.map(Lag::from)
    }

    /// When its worker last said so.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }

    /// Whether its worker has said nothing for 30 seconds, and may be gone.
    async fn stale(&self) -> bool {
        self.0.is_stale
    }
}

/// What a consumer is doing. Codes are added over time: keep a branch for unknown ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "ConsumerState")]
pub enum ConsumerStatusCode {
    /// It waits for the consumer group to give it partitions.
    Joining,
    /// It reads the partitions that it was given.
    Assigned,
    /// It has read all that it can: what is left waits for the end of a producer's transaction.
    TransactionOpen,
    /// It holds its position.
    Blocked,
    /// The broker does not answer.
    Unreachable,
    /// The broker has no such topic.
    TopicMissing,
    /// It ended by itself and will be started again.
    Failed,
}

/// What is known of a listener's consumers; nothing of an earlier moment.
pub(super) async fn statuses(
    ctx: &Context<'_>,
    group: uuid::Uuid,
    view: &View,
) -> Result<Option<Vec<Status>>> {
    if view.is_past() {
        return Ok(None);
    }
    query::consumers(ctx, group).await.map(Some)
}

/// What shows them.
pub(super) fn shown(statuses: Vec<Status>, view: &View) -> Vec<ConsumerStatus> {
    let statuses = statuses.into_iter();
    statuses
        .map(|status| ConsumerStatus(status, view.clone()))
        .collect()
}
