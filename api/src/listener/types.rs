//! The types of a listener.

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use domain::TopicId;
use domain::algorithm::{Algorithm as Versions, Unresolved};
use domain::consumer::{self, ConsumerStatus as Status};
use domain::listener::{Facts, Problem};
use domain::run::Owner;
use projections::version::PublishedVersion;

use super::activity::{self, ConsumerStatus, Lag, ListenerActivity};
use super::consumer::{Consumer, ConsumerFilterInput};
use super::series::{self, ListenerSeries};
use super::settings::ListenerSettings;
use crate::algorithm::{Algorithm, Version};
use crate::broker::Broker;
use crate::error::{Code, fault};
use crate::event::{self, Event};
use crate::filter::FilterInput;
use crate::id::GlobalId;
use crate::list::{Bounds, List, Part};
use crate::loaders::{DlqNotGranted, VersionsOf};
use crate::run::{Ledger, RunConnection, RunFilterInput, RunsOf, query};
use crate::scalar::{BigInt, DateTime, Revision};
use crate::topic::Topic;
use crate::view::View;

pub struct Listener(pub(crate) projections::listener::Listener, pub(crate) View);

/// A topic that feeds an algorithm.
#[Object]
impl Listener {
    /// Its global id.
    pub async fn id(&self) -> ID {
        GlobalId::Listener(self.0.id.clone()).encode()
    }

    /// Whether it is enabled: it consumes, unless it is paused.
    async fn enabled(&self) -> bool {
        self.0.enabled
    }

    /// Whether it is paused: it consumes nothing until it is resumed, although it is enabled.
    async fn paused(&self) -> bool {
        self.0.pause.is_some()
    }

    /// The version selector, resolved at each run.
    async fn version_selector(&self) -> String {
        self.0.version.to_string()
    }

    /// The version that the selector picks now; null if it picks none.
    async fn resolved_version(&self) -> Option<Result<Version>> {
        let (algorithm, rows) = match self.versions().await {
            Ok(loaded) => loaded,
            Err(error) => return Some(Err(error)),
        };
        let picked = &algorithm.resolve(&self.0.version).ok()?.version;
        let row = rows.into_iter().find(|row| row.version == *picked)?;
        Some(Ok(Version(row, self.1.clone())))
    }

    /// Why it holds its position and cannot consume even when enabled: its selector picks no
    /// version, or its algorithm has no grant to write to the dead letter topic. Null if there is
    /// no such reason.
    async fn problem(&self) -> Option<Result<ListenerProblem>> {
        self.find_problem().await.transpose()
    }

    /// What it is doing, or why it is not moving, in one sentence. Null as of an earlier moment.
    async fn activity(&self, ctx: &Context<'_>) -> Option<Result<ListenerActivity>> {
        self.find_activity(ctx).await.transpose()
    }

    /// How far all its consumers together are behind the end of the topic. Null as of an earlier
    /// moment and where it is not known, for example while a consumer cannot reach the broker.
    async fn lag(&self, ctx: &Context<'_>) -> Option<Result<Lag>> {
        let statuses = self.statuses(ctx).await.transpose()?;
        let lag = statuses.map(|statuses| consumer::Lag::of_live(&statuses));
        Some(lag.transpose()?.map(Lag::from))
    }

    /// What its consumers are doing, one per worker. Null as of an earlier moment.
    async fn consumer_statuses(&self, ctx: &Context<'_>) -> Option<Result<Vec<ConsumerStatus>>> {
        let statuses = self.statuses(ctx).await.transpose()?;
        Some(statuses.map(|statuses| activity::shown(statuses, &self.1)))
    }

    /// How it behaves.
    async fn settings(&self) -> ListenerSettings {
        self.0.settings.clone().into()
    }

    /// The topic, on the same broker, that takes faulty messages.
    async fn dead_letter_topic(&self) -> Option<Result<Topic>> {
        let broker = self.0.id.topic.broker;
        let topic = match self.0.dlq.as_deref()?.parse() {
            Ok(topic) => topic,
            Err(cause) => return Some(Err(fault(Code::Internal, &cause))),
        };
        Some(Ok(Topic::of_id(TopicId { broker, topic }, self.1.clone())))
    }

    /// The topic that it reads.
    async fn topic(&self) -> Option<Result<Topic>> {
        let topic = self.0.id.topic.clone();
        Some(Ok(Topic::of_id(topic, self.1.clone())))
    }

    /// The consumer group that it reads with.
    async fn consumer_group(&self) -> String {
        self.0.group.to_string()
    }

    /// Identifies the state that is shown; mutations take it as `expectedRevision`.
    async fn revision(&self) -> Revision {
        Revision(Some(self.0.revision))
    }

    /// When it last changed.
    async fn changed_at(&self) -> DateTime {
        DateTime(self.0.changed_at)
    }

    /// The event that made a policy enable or disable it; null if a request did.
    async fn changed_because(&self, ctx: &Context<'_>) -> Option<Result<Event>> {
        event::because(ctx, self.0.cause.as_deref()?)
            .await
            .transpose()
    }

    /// The broker of its topic.
    async fn broker(&self) -> Option<Result<Broker>> {
        self.1.find(self.0.id.topic.broker, Broker).await
    }

    /// The algorithm that it feeds.
    async fn algorithm(&self) -> Option<Result<Algorithm>> {
        self.1.find(self.0.id.algorithm.clone(), Algorithm).await
    }

    /// The consumers that serve it, one per worker, as the log records them.
    async fn consumers(
        &self,
        filter: Option<ConsumerFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<List<Consumer>>> {
        let filter = match filter.unwrap_or_default().filter(&self.0.id) {
            Ok(filter) => filter,
            Err(error) => return Some(Err(error)),
        };
        let bounds = Bounds {
            first,
            after,
            last,
            before,
        };
        let part = Part::in_order(bounds);
        Some(self.1.list(filter, part, Consumer).await)
    }

    /// What disabling it would stop now.
    async fn disable_preview(&self, ctx: &Context<'_>) -> Option<Result<ListenerDisablePreview>> {
        Some(self.preview_disabling(ctx).await)
    }

    /// What became of the messages received so far.
    async fn ledger(&self, ctx: &Context<'_>) -> Option<Result<Ledger>> {
        Some(query::ledger(ctx, self.0.group).await)
    }

    /// What it did between two times, in steps that are as short as is kept and make no more than so
    /// many points: 300 unless asked otherwise, at most 1,000. Steps of 10 seconds are kept for a day,
    /// of 5 minutes for 31 days. Within a step of which nothing was written, nothing happened.
    async fn series(
        &self,
        ctx: &Context<'_>,
        from: DateTime,
        until: DateTime,
        points: Option<u32>,
    ) -> Option<Result<ListenerSeries>> {
        Some(series::between(ctx, self.0.group, from, until, points).await)
    }

    /// By how many messages its lag has grown in a second, over the last five minutes; negative if it
    /// shrank. Null as of an earlier moment and where it is not known.
    async fn lag_per_second(&self, ctx: &Context<'_>) -> Option<Result<f64>> {
        if self.1.is_past() {
            return None;
        }
        series::lag_per_second(ctx, self.0.group).await.transpose()
    }

    /// Its runs, newest first.
    async fn runs(
        &self,
        ctx: &Context<'_>,
        filter: Option<RunFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<RunConnection>> {
        let bounds = Bounds {
            first,
            after,
            last,
            before,
        };
        let runs = RunsOf::One(Owner::Listener(self.0.group));
        Some(runs.list(ctx, filter, bounds).await)
    }
}

impl Listener {
    async fn preview_disabling(&self, ctx: &Context<'_>) -> Result<ListenerDisablePreview> {
        let consumers = ConsumerFilterInput::default().filter(&self.0.id)?;
        let consumers = self.1.count(consumers).await?;
        Ok(ListenerDisablePreview {
            consumers: u32::try_from(consumers).unwrap_or(u32::MAX),
            in_flight: query::ledger(ctx, self.0.group).await?.in_flight,
        })
    }

    async fn statuses(&self, ctx: &Context<'_>) -> Result<Option<Vec<Status>>> {
        activity::statuses(ctx, self.0.group, &self.1).await
    }

    async fn find_activity(&self, ctx: &Context<'_>) -> Result<Option<ListenerActivity>> {
        let Some(statuses) = self.statuses(ctx).await? else {
            return Ok(None);
        };
        let problem = self.find_problem().await?.map(Problem::from);
        let facts = Facts {
            enabled: self.0.enabled,
            pause: self.0.pause.as_ref(),
            problem: problem.as_ref(),
            consumers: &statuses,
        };
        Ok(Some(domain::listener::ListenerActivity::of(facts).into()))
    }

    async fn find_problem(&self) -> Result<Option<ListenerProblem>> {
        let (algorithm, _) = self.versions().await?;
        if let Err(unresolved) = algorithm.resolve(&self.0.version) {
            return Ok(Some(unresolved.into()));
        }
        let Some(dlq) = &self.0.dlq else {
            return Ok(None);
        };
        let lacking = self.1.load(DlqNotGranted(self.0.id.clone())).await?;
        let algorithm = &self.0.id.algorithm;
        Ok(lacking.map(|()| ListenerProblem {
            code: ListenerProblemCode::DlqNotGranted,
            text: format!("{algorithm} has no DEAD_LETTER or PUBLISH grant on {dlq}"),
        }))
    }

    /// Its algorithm with the versions, as rows and as selectors are resolved by.
    async fn versions(&self) -> Result<(Versions, Vec<PublishedVersion>)> {
        let id = &self.0.id.algorithm;
        let algorithm = self.1.load(id.clone()).await?;
        let rows = self.1.load(VersionsOf(id.clone())).await?;
        let rows = rows.unwrap_or_default();
        let retired = algorithm.is_some_and(|row| row.retired_at.is_some());
        Ok((projections::algorithm::state(retired, &rows), rows))
    }
}

/// Why a listener holds its position even when enabled.
#[derive(SimpleObject)]
pub struct ListenerProblem {
    /// What it is about.
    pub code: ListenerProblemCode,
    /// A text for people; it may change.
    pub text: String,
}

/// What a listener's problem is about. Codes are added over time: keep a branch for unknown ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ListenerProblemCode {
    /// The algorithm is retired.
    AlgorithmRetired,
    /// The version is withdrawn.
    VersionWithdrawn,
    /// No published version matches.
    NoVersionMatches,
    /// The algorithm may not write faulty messages to the dead letter queue.
    DlqNotGranted,
}

impl From<Unresolved> for ListenerProblem {
    fn from(unresolved: Unresolved) -> Self {
        let code = match unresolved {
            Unresolved::Retired => ListenerProblemCode::AlgorithmRetired,
            Unresolved::Withdrawn { .. } => ListenerProblemCode::VersionWithdrawn,
            Unresolved::NoMatch => ListenerProblemCode::NoVersionMatches,
        };
        let text = unresolved.to_string();
        Self { code, text }
    }
}

impl From<ListenerProblem> for Problem {
    fn from(problem: ListenerProblem) -> Self {
        match problem.code {
            ListenerProblemCode::DlqNotGranted => Self::DlqNotGranted(problem.text),
            ListenerProblemCode::AlgorithmRetired
            | ListenerProblemCode::VersionWithdrawn
            | ListenerProblemCode::NoVersionMatches => Self::NoVersion(problem.text),
        }
    }
}

/// What disabling a listener would stop. Its position is kept.
#[derive(SimpleObject)]
pub struct ListenerDisablePreview {
    /// How many consumers serve it.
    pub consumers: u32,
    /// Messages that have no decision yet; they are finished or given back to the broker.
    pub in_flight: BigInt,
}
