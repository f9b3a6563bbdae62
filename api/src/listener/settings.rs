//! The settings of a listener, read and written.

use async_graphql::{Enum, InputObject, MaybeUndefined, SimpleObject};
use domain::listener::{
    FaultPolicy as DomainFaults, ListenerSettings as DomainSettings,
    MessageOrdering as DomainOrdering, RetryPolicy as DomainRetry, StartPosition,
    TombstonePolicy as DomainTombstones, Transform as DomainTransform,
};

use super::batching::{self, BatchPolicy, BatchPolicyInput};
use super::sampling::{self, SamplingPolicy, SamplingPolicyInput};
use crate::model_server::ModelServer;
use crate::scalar::DateTime;
use crate::user_error::{UserError, UserErrorCode};

/// How a listener behaves.
#[derive(SimpleObject)]
pub struct ListenerSettings {
    /// Where it begins if it has no position; null on a broker that keeps no
    /// positions.
    pub start: Option<ListenerStart>,
    /// How many calls each worker makes at once.
    pub concurrency: u32,
    /// Which messages are handled one after the other.
    pub ordering: MessageOrdering,
    /// How retryable calls are repeated.
    pub retry: RetryPolicy,
    /// What happens to a faulty message if there is no dead letter queue.
    pub faults: FaultPolicy,
    /// What happens to a message without a body.
    pub tombstones: TombstonePolicy,
    /// A message with a larger body is faulty and never sent.
    pub max_message_bytes: u64,
    /// Which messages are sent, in CEL; the others end as `FILTERED`. Null means all.
    pub filter: Option<String>,
    /// What is sent and published in place of the bytes as they are.
    pub transform: ListenerTransform,
    /// What is kept of runs, to be looked at: `payload` of a run.
    pub sampling: SamplingPolicy,
    /// How messages are called together; null means one by one.
    pub batch: Option<BatchPolicy>,
}

/// What a listener sends in place of a message, and publishes in place of an answer: expressions in
/// CEL.
#[derive(SimpleObject)]
pub struct ListenerTransform {
    /// What is sent to the endpoint; null means the message's body as it is.
    pub request: Option<String>,
    /// What is published; null means the endpoint's answer as it is.
    pub result: Option<String>,
}

/// Where a listener begins if it has no position: in every partition
/// when it is enabled for the first time, in partitions that are added later, and wherever the
/// broker has lost the position. Kafka forgets the positions of a group that has had no members
/// for `offsets.retention.minutes`, by default a week. If the messages at the position are no
/// longer kept, a listener goes on with the oldest message that is or, if it starts at `LATEST`,
/// with the next one that arrives.
#[derive(SimpleObject)]
pub struct ListenerStart {
    /// Which message it begins with.
    pub at: ListenerStartAt,
    /// The time; null unless `at` is `TIMESTAMP`.
    pub time: Option<DateTime>,
}

/// How often and how fast a retryable call is repeated: exponentially, with full jitter.
#[derive(SimpleObject)]
pub struct RetryPolicy {
    /// How many calls in all, the first included.
    pub max_attempts: u32,
    /// The longest wait before the second call.
    pub initial_backoff_ms: u64,
    /// The longest wait before any call.
    pub max_backoff_ms: u64,
    /// For how long a message is called again after its first failure; null means for as long as it
    /// has attempts left.
    pub max_age_ms: Option<u64>,
}

/// Which message a listener begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ListenerStartAt {
    /// The oldest message that the broker still has.
    Earliest,
    /// The first message that arrives after the consumer has started.
    Latest,
    /// The first message of a given time or later.
    Timestamp,
}

/// Which messages of a listener are handled one after the other: of those, one has ended, and its
/// result or dead letter is published, before the next is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "DomainOrdering")]
pub enum MessageOrdering {
    /// None of them.
    None,
    /// Those of a partition.
    Partition,
    /// Those of a partition that have the same key. Messages without a key have no order.
    Key,
}

/// What a listener without a dead letter queue does with a faulty message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "DomainFaults")]
pub enum FaultPolicy {
    /// Hold the position and report it.
    Block,
    /// Record the decision `DROPPED` and go on.
    Drop,
}

/// What a listener does with a message without a body, which on a compacted topic deletes what had
/// its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "DomainTombstones")]
pub enum TombstonePolicy {
    /// Send it, with an empty body.
    Send,
    /// Do not send it: it ends as `FILTERED`.
    Skip,
}

/// The settings of a listener; those left out get their default.
#[derive(InputObject)]
pub struct ListenerSettingsInput {
    /// Where it begins if it has no position. Required if it was never enabled
    /// before. Later it goes on at its position, and the start applies only if that position is
    /// lost; by default, it keeps the start that it was last enabled with. Not allowed on a broker
    /// that keeps no positions: Amazon SQS and Azure Service Bus.
    pub start: Option<ListenerStartInput>,
    /// How many calls each worker makes at once: 1 to 1,024; by default 16.
    pub concurrency: Option<u32>,
    /// Which messages are handled one after the other; by default `NONE` of them. A message that is
    /// called again holds those that come after it.
    pub ordering: Option<MessageOrdering>,
    /// How retryable calls are repeated.
    pub retry: Option<RetryPolicyInput>,
    /// What happens to a faulty message if there is no dead letter queue; by default `BLOCK`.
    pub faults: Option<FaultPolicy>,
    /// What happens to a message without a body; by default `SEND`.
    pub tombstones: Option<TombstonePolicy>,
    /// A message with a larger body is faulty and never sent: 1 to 16,777,216; by default
    /// 1,048,576.
    pub max_message_bytes: Option<u64>,
    /// Which messages are sent: an expression in CEL of at most 4,096 bytes, such as
    /// `body.amount > 100`, that gives true or false. Messages for which it is false end as
    /// `FILTERED`. By default, all are sent.
    pub filter: Option<String>,
    /// The model server that is called, whose transforms it gets where they are not given. Only the
    /// transforms are stored.
    pub preset: Option<ModelServer>,
    /// What is sent and published in place of the bytes as they are.
    pub transform: Option<ListenerTransformInput>,
    /// What is kept of runs, to be looked at: `payload` of a run.
    pub sampling: MaybeUndefined<SamplingPolicyInput>,
    /// How messages are called together; by default one by one. Not allowed with an ordering.
    pub batch: MaybeUndefined<BatchPolicyInput>,
}

/// What a listener sends in place of a message, and publishes in place of an answer.
#[derive(InputObject)]
pub struct ListenerTransformInput {
    /// What is sent to the endpoint: an expression in CEL of at most 4,096 bytes, such as
    /// `{'instances': [body]}`. By default, the message's body as it is.
    pub request: Option<String>,
    /// What is published: an expression in CEL of at most 4,096 bytes, such as
    /// `answer.predictions[0]`. By default, the endpoint's answer as it is.
    pub result: Option<String>,
}

/// Where a listener begins.
#[derive(InputObject)]
pub struct ListenerStartInput {
    /// Which message it begins with.
    pub at: ListenerStartAt,
    /// Required with `TIMESTAMP`, and not allowed otherwise.
    pub time: Option<DateTime>,
}

/// How retryable calls are repeated.
#[derive(InputObject)]
pub struct RetryPolicyInput {
    /// How many calls in all, the first included: 1 to 100; by default 5.
    pub max_attempts: Option<u32>,
    /// The longest wait before the second call: 1 to 3,600,000; by default 500.
    pub initial_backoff_ms: Option<u64>,
    /// The longest wait before any call: from `initialBackoffMs` to 86,400,000; by default 60,000.
    pub max_backoff_ms: Option<u64>,
    /// For how long a message is called again after its first failure: 1 to 1,209,600,000. One that
    /// fails after that is faulty, also if it has attempts left. Time in which the listener is
    /// blocked, paused or disabled, and in which the endpoint asks for a wait, does not count. By
    /// default there is no limit.
    pub max_age_ms: Option<u64>,
}

impl ListenerSettingsInput {
    pub(crate) fn settings(&self) -> Result<DomainSettings, UserError> {
        let time = &["input", "settings", "start", "time"];
        let start = self.start.as_ref().map(|start| start.position(time));
        let defaults = DomainSettings::starting(start.transpose()?);
        let retry = self.retry.as_ref();
        Ok(DomainSettings {
            concurrency: self.concurrency.unwrap_or(defaults.concurrency),
            ordering: self.ordering.map_or(defaults.ordering, Into::into),
            retry: DomainRetry {
                max_attempts: retry
                    .and_then(|retry| retry.max_attempts)
                    .unwrap_or(defaults.retry.max_attempts),
                initial_backoff_ms: retry
                    .and_then(|retry| retry.initial_backoff_ms)
                    .unwrap_or(defaults.retry.initial_backoff_ms),
                max_backoff_ms: retry
                    .and_then(|retry| retry.max_backoff_ms)
                    .unwrap_or(defaults.retry.max_backoff_ms),
                max_age_ms: retry.and_then(|retry| retry.max_age_ms),
            },
            faults: self.faults.map_or(defaults.faults, Into::into),
            tombstones: self.tombstones.map_or(defaults.tombstones, Into::into),
            max_message_bytes: self.max_message_bytes.unwrap_or(defaults.max_message_bytes),
            filter: self.filter.clone(),
            transform: self.transform(),
            sampling: sampling::patch(&self.sampling).changed(&defaults.sampling),
            batch: batching::patch(&self.batch)
                .flatten()
                .map(|batch| batch.changed(None)),
            ..defaults
        })
    }
}

impl ListenerSettingsInput {
    /// What is given, and otherwise what the preset says.
    fn transform(&self) -> DomainTransform {
        let given = self.transform.as_ref();
        let preset = self.preset.map(domain::ModelServer::from);
        let preset = preset
            .map(domain::ModelServer::transform)
            .unwrap_or_default();
        DomainTransform {
            request: given
                .and_then(|given| given.request.clone())
                .or(preset.request),
            result: given
                .and_then(|given| given.result.clone())
                .or(preset.result),
        }
    }
}

impl ListenerStartInput {
    /// The position; `path` is where its time was asked for.
    pub(crate) fn position(&self, path: &[&str]) -> Result<StartPosition, UserError> {
        match (self.at, self.time) {
            (ListenerStartAt::Earliest, None) => Ok(StartPosition::Earliest),
            (ListenerStartAt::Latest, None) => Ok(StartPosition::Latest),
            (ListenerStartAt::Timestamp, Some(time)) => {
                Ok(StartPosition::Timestamp { time: time.0 })
            }
            _ => Err(UserError::new(
                UserErrorCode::OutOfRange,
                "time is required with TIMESTAMP and not allowed otherwise",
                path,
            )),
        }
    }
}

impl From<DomainSettings> for ListenerSettings {
    fn from(settings: DomainSettings) -> Self {
        Self {
            start: settings.start.map(Into::into),
            concurrency: settings.concurrency,
            ordering: settings.ordering.into(),
            retry: RetryPolicy {
                max_attempts: settings.retry.max_attempts,
                initial_backoff_ms: settings.retry.initial_backoff_ms,
                max_backoff_ms: settings.retry.max_backoff_ms,
                max_age_ms: settings.retry.max_age_ms,
            },
            faults: settings.faults.into(),
            tombstones: settings.tombstones.into(),
            max_message_bytes: settings.max_message_bytes,
            filter: settings.filter,
            transform: ListenerTransform {
                request: settings.transform.request,
                result: settings.transform.result,
            },
            sampling: settings.sampling.into(),
            batch: settings.batch.map(Into::into),
        }
    }
}

impl From<StartPosition> for ListenerStart {
    fn from(start: StartPosition) -> Self {
        let (at, time) = match start {
            StartPosition::Earliest => (ListenerStartAt::Earliest, None),
            StartPosition::Latest => (ListenerStartAt::Latest, None),
            StartPosition::Timestamp { time } => (ListenerStartAt::Timestamp, Some(DateTime(time))),
        };
        Self { at, time }
    }
}
