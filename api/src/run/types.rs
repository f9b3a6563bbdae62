//! The types of a run.

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use domain::run::{self, OutputState as DomainOutputState, Owner};
use domain::settlement::{Decision as DomainDecision, Reason as DomainReason};

use super::attempt::RunAttempt;
use super::sample::RunSample;
use super::{RunKey, query};
use crate::algorithm::Algorithm;
use crate::id::GlobalId;
use crate::listener::Listener;
use crate::loaders::ListenerOf;
use crate::scalar::{BigInt, DateTime};
use crate::view::View;

pub struct Run(pub(crate) run::Run);

/// One message taken through one listener to its decision, or one direct call of an algorithm.
#[Object]
impl Run {
    /// Its global id.
    pub async fn id(&self) -> ID {
        let (owner, number) = (self.0.owner.clone(), self.0.number);
        GlobalId::Run(RunKey { owner, number }).encode()
    }

    /// Its UUID, sent to endpoints in `Idempotency-Key` and to topics in a header.
    async fn uuid(&self) -> String {
        self.0.id.to_string()
    }

    /// Identifies the message on its broker: `topic/partition/offset`. Null for a direct run.
    async fn message_id(&self) -> Option<String> {
        Some(self.0.message.as_ref()?.to_string())
    }

    /// The message that was taken; null for a direct run.
    async fn message(&self) -> Option<RunMessage> {
        Some(self.0.message.clone()?.into())
    }

    /// The algorithm that was called.
    async fn algorithm(&self, ctx: &Context<'_>) -> Option<Result<Algorithm>> {
        let id = self.0.algorithm.clone();
        View::live(ctx).find(id, Algorithm).await
    }

    /// The listener that took the message; null for a direct run.
    async fn listener(&self, ctx: &Context<'_>) -> Option<Result<Listener>> {
        let Owner::Listener(group) = self.0.owner else {
            return None;
        };
        View::live(ctx).find(ListenerOf(group), Listener).await
    }

    /// What it has in common with all runs that one message set off: the trace id of its message.
    async fn correlation_id(&self) -> String {
        self.0.correlation.to_string()
    }

    /// The run whose result or dead letter its message is; null if it is neither, or if that run is
    /// no longer kept.
    async fn parent(&self, ctx: &Context<'_>) -> Option<Result<Run>> {
        let parent = self.0.parent?;
        let found = query::in_workflow(ctx, self.0.correlation, parent).await;
        found.transpose()
    }

    /// Its calls, in the order in which they were made, as far as they have ended. Of a run with more
    /// than 50 that failed, the last 50 of these.
    async fn attempts(&self, ctx: &Context<'_>) -> Option<Result<Vec<RunAttempt>>> {
        let failed = query::failed_attempts(ctx, self.0.number).await;
        Some(failed.map(|failed| {
            let all = failed.into_iter().chain(self.0.last_attempt());
            all.map(Into::into).collect()
        }))
    }

    /// When the run began.
    async fn claimed_at(&self) -> DateTime {
        DateTime(self.0.claimed_at)
    }

    /// How many calls were begun.
    async fn attempt_count(&self) -> u32 {
        self.0.attempts
    }

    /// How the run ended; null while it is running.
    async fn decision(&self) -> Option<RunDecision> {
        Some(self.0.end.as_ref()?.decision.into())
    }

    /// The version that was called last.
    async fn called_version(&self) -> Option<String> {
        Some(self.0.end.as_ref()?.version.as_ref()?.to_string())
    }

    /// The HTTP status of the last answer.
    async fn http_status(&self) -> Option<u16> {
        self.0.end.as_ref()?.status
    }

    /// Why it was dead-lettered or dropped.
    async fn reason(&self) -> Option<RunReason> {
        Some(self.0.end.as_ref()?.reason?.into())
    }

    /// Why it was dead-lettered or dropped, as text for people.
    async fn reason_text(&self) -> Option<&str> {
        self.0.end.as_ref()?.reason_text.as_deref()
    }

    /// What this failure has in common with others: the reason, the HTTP status, and the text apart
    /// from numbers, ids and the like. Equal for failures of one kind; null where there is none.
    async fn failure_fingerprint(&self) -> Option<String> {
        Some(self.0.end.as_ref()?.failure?.to_string())
    }

    /// Where the result goes, as decided: the topics of the publishers that took it then.
    async fn outputs(&self) -> Vec<RunOutput> {
        self.0.outputs.iter().map(RunOutput::new).collect()
    }

    /// The dead letter queue that has the message; null unless it is there.
    async fn dead_letter(&self) -> Option<RunDeadLetter> {
        let topic = self.0.dead_letter.as_ref()?;
        Some(RunDeadLetter {
            broker: topic.broker.to_string(),
            topic: topic.topic.to_string(),
        })
    }

    /// What its listener keeps of the message and of the last call, to be looked at: `sampling` in its
    /// settings. Null where nothing is kept, or no longer. Reading it is a right of its own.
    async fn sample(&self, ctx: &Context<'_>) -> Option<Result<RunSample>> {
        let Owner::Listener(group) = &self.0.owner else {
            return None;
        };
        query::sample(ctx, *group, self.0.number).await.transpose()
    }

    /// When the run ended; null while it is running.
    async fn finished_at(&self) -> Option<DateTime> {
        Some(DateTime(self.0.end.as_ref()?.finished_at))
    }
}

/// The message of a run.
#[derive(SimpleObject)]
pub struct RunMessage {
    /// The name of its topic.
    pub topic: String,
    /// The number of its partition.
    pub partition: i32,
    /// Its place in the partition.
    pub offset: BigInt,
    /// When it was sent, according to its broker.
    pub sent_at: Option<DateTime>,
}

impl From<run::RunMessage> for RunMessage {
    fn from(message: run::RunMessage) -> Self {
        Self {
            topic: message.topic,
            partition: message.partition,
            offset: BigInt(u64::try_from(message.offset).unwrap_or_default()),
            sent_at: message.sent_at.map(DateTime),
        }
    }
}

/// Where the dead letter of a run is.
#[derive(SimpleObject)]
pub struct RunDeadLetter {
    /// The UUID of its broker.
    pub broker: String,
    /// The name of the topic.
    pub topic: String,
}

/// A topic that a result goes to.
#[derive(SimpleObject)]
pub struct RunOutput {
    /// The UUID of its broker at the time of the decision.
    pub broker: String,
    /// The name of the topic.
    pub topic: String,
    /// How far the result has come.
    pub state: OutputState,
}

impl RunOutput {
    fn new(output: &run::RunOutput) -> Self {
        Self {
            broker: output.topic.broker.to_string(),
            topic: output.topic.topic.to_string(),
            state: output.state.into(),
        }
    }
}

/// How far a result has come on its way to a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "DomainOutputState")]
pub enum OutputState {
    /// It is not known to be there.
    Waiting,
    /// It is there.
    Published,
    /// The publisher was disabled before the result was published, and it never will be.
    Withdrawn,
    /// The topic does not take messages of that size.
    TooLarge,
}

/// The recorded end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "DomainDecision")]
pub enum RunDecision {
    /// The endpoint answered with a result.
    Succeeded,
    /// The message went to the dead letter queue.
    DeadLettered,
    /// The filter of the listener left the message out.
    Filtered,
    /// The message was faulty, and the listener drops faulty messages.
    Dropped,
}

/// Why a message was dead-lettered or dropped. Reasons are added over time: keep a branch for
/// unknown ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "DomainReason")]
pub enum RunReason {
    /// The endpoint refused the message.
    Refused,
    /// The endpoint answered something that the protocol cannot read.
    UndecodableAnswer,
    /// The answer of the endpoint was too large.
    AnswerTooLarge,
    /// The message was larger than the listener allows, and was never sent.
    MessageTooLarge,
    /// The filter of the listener failed for the message.
    FilterFailed,
    /// The transform could not make a request of the message, which was never sent.
    RequestTransformFailed,
    /// The transform could not make a result of the endpoint's answer.
    ResultTransformFailed,
    /// All attempts were used up.
    AttemptsExhausted,
    /// It failed for longer than the listener calls a message again.
    TooOld,
    /// The endpoint does not accept the credentials of the call.
    NotAuthorized,
    /// The endpoint fails for every message.
    EndpointUnavailable,
    /// The endpoint answers every message with a redirect, or that there is nothing to call.
    WrongEndpoint,
    /// The quota of the endpoint's account is used up.
    QuotaExhausted,
    /// The message was faulty, and there is no dead letter queue.
    NoDlq,
    /// The algorithm may not write faulty messages to the dead letter queue.
    DlqNotGranted,
    /// The dead letter queue or a publisher's topic does not take messages.
    TopicUnavailable,
    /// No published version matches the selector.
    NoVersion,
    /// The worker ended before the direct run did.
    Interrupted,
}

/// What became of the messages that a listener received. It always balances:
/// received = succeeded + dead-lettered + filtered + dropped + in flight.
#[derive(SimpleObject)]
pub struct Ledger {
    /// Messages received.
    pub received: BigInt,
    /// Messages that the endpoint answered with a result.
    pub succeeded: BigInt,
    /// Messages that went to the dead letter queue.
    pub dead_lettered: BigInt,
    /// Messages that the filter left out.
    pub filtered: BigInt,
    /// Faulty messages that were dropped.
    pub dropped: BigInt,
    /// Messages without a decision yet.
    pub in_flight: BigInt,
    /// Outputs of successful runs whose publishers were disabled before they were published.
    pub outputs_withdrawn: BigInt,
    /// Outputs of successful runs that were too large for their topics.
    pub outputs_too_large: BigInt,
    /// Messages that the broker deleted before they were read. They are not among those received.
    pub missed: BigInt,
}

impl From<run::Ledger> for Ledger {
    fn from(ledger: run::Ledger) -> Self {
        Self {
            received: BigInt(ledger.received),
            succeeded: BigInt(ledger.succeeded),
            dead_lettered: BigInt(ledger.dead_lettered),
            filtered: BigInt(ledger.filtered),
            dropped: BigInt(ledger.dropped),
            in_flight: BigInt(ledger.in_flight),
            outputs_withdrawn: BigInt(ledger.outputs_withdrawn),
            outputs_too_large: BigInt(ledger.outputs_too_large),
            missed: BigInt(ledger.missed),
        }
    }
}
