//! Reading from the journal what became of messages, for several things at once.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::{Context, ID, Object, Result};
use domain::RunId;
use domain::consumer::ConsumerStatus;
use domain::run::{
    Attempt, CorrelationId, Ledger as LedgerRow, NoCorrelationId, RunFilter, RunList, RunPage,
    RunSource, RunSourceError,
};
use domain::sample::KeptSample;
use domain::series::{Point, Span};
use domain::{Right, authority};
use uuid::Uuid;

use super::sample::RunSample;
use super::workflow::{self, Workflow};
use super::{Ledger, Run, RunConnection, RunFilterInput, RunKey, RunsOf};
use crate::control::principal;
use crate::error::{Code, error, fault, invalid};
use crate::id;
use crate::list::Bounds;

/// Loads from the journal.
pub(crate) struct Journal(pub(crate) Arc<dyn RunSource>);

impl Loader<RunPage> for Journal {
    type Value = RunList;
    type Error = Arc<RunSourceError>;

    async fn load(&self, keys: &[RunPage]) -> Result<HashMap<RunPage, RunList>, Self::Error> {
        let pages = self.0.pages(keys.to_vec()).await.map_err(Arc::new)?;
        Ok(keys.iter().cloned().zip(pages).collect())
    }
}

impl Loader<Uuid> for Journal {
    type Value = LedgerRow;
    type Error = Arc<RunSourceError>;

    async fn load(&self, keys: &[Uuid]) -> Result<HashMap<Uuid, LedgerRow>, Self::Error> {
        let ledgers = self.0.ledgers(keys.to_vec()).await.map_err(Arc::new)?;
        Ok(keys.iter().copied().zip(ledgers).collect())
    }
}

/// The consumers of the listener with that consumer group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ConsumersOf(pub(crate) Uuid);

impl Loader<ConsumersOf> for Journal {
    type Value = Vec<ConsumerStatus>;
    type Error = Arc<RunSourceError>;

    async fn load(
        &self,
        keys: &[ConsumersOf],
    ) -> Result<HashMap<ConsumersOf, Vec<ConsumerStatus>>, Self::Error> {
        let groups = keys.iter().map(|key| key.0).collect();
        let consumers = self.0.consumers(groups).await.map_err(Arc::new)?;
        Ok(keys.iter().copied().zip(consumers).collect())
    }
}

/// The sample of a run of the listener with that consumer group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SampleOf(Uuid, i64);

impl Loader<SampleOf> for Journal {
    type Value = KeptSample;
    type Error = Arc<RunSourceError>;

    async fn load(&self, keys: &[SampleOf]) -> Result<HashMap<SampleOf, KeptSample>, Self::Error> {
        let runs = keys.iter().map(|SampleOf(group, run)| (*group, *run));
        let samples = self.0.samples(runs.collect()).await.map_err(Arc::new)?;
        let found = keys.iter().copied().zip(samples);
        Ok(found.filter_map(|(key, kept)| Some((key, kept?))).collect())
    }
}

/// The calls of a run that did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AttemptsOf(pub(crate) i64);

impl Loader<AttemptsOf> for Journal {
    type Value = Vec<Attempt>;
    type Error = Arc<RunSourceError>;

    async fn load(
        &self,
        keys: &[AttemptsOf],
    ) -> Result<HashMap<AttemptsOf, Vec<Attempt>>, Self::Error> {
        let runs = keys.iter().map(|key| key.0).collect();
        let attempts = self.0.attempts(runs).await.map_err(Arc::new)?;
        Ok(keys.iter().copied().zip(attempts).collect())
    }
}

/// The series of a listener in a time, by its consumer group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SeriesOf(Uuid, Span);

impl Loader<SeriesOf> for Journal {
    type Value = Vec<Point>;
    type Error = Arc<RunSourceError>;

    async fn load(&self, keys: &[SeriesOf]) -> Result<HashMap<SeriesOf, Vec<Point>>, Self::Error> {
        let spans = keys.iter().map(|SeriesOf(group, span)| (*group, *span));
        let series = self.0.series(spans.collect()).await.map_err(Arc::new)?;
        Ok(keys.iter().copied().zip(series).collect())
    }
}

/// What a listener did in a time.
pub(crate) async fn series(ctx: &Context<'_>, group: Uuid, span: Span) -> Result<Vec<Point>> {
    let points = journal(ctx).load_one(SeriesOf(group, span)).await;
    let points = points.map_err(|cause| fault(Code::Unavailable, &*cause))?;
    Ok(points.unwrap_or_default())
}

#[derive(Default)]
pub struct RunQuery;

#[Object]
impl RunQuery {
    /// Runs of all listeners and direct callers, newest first.
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
        Some(RunsOf::All.list(ctx, filter, bounds).await)
    }

    /// The run with this global id; null if the journal does not have it, or no longer.
    async fn run(&self, ctx: &Context<'_>, id: ID) -> Option<Result<Run>> {
        let key = match id::known(&id, id::run) {
            Ok(key) => key,
            Err(error) => return Some(Err(error)),
        };
        by_key(ctx, key).await.transpose()
    }

    /// What one message set off, by the `correlationId` of any of its runs: the trace id of the
    /// message, 32 hexadecimal digits. Null if nothing is known of it, or no longer.
    async fn workflow(
        &self,
        ctx: &Context<'_>,
        correlation_id: String,
    ) -> Option<Result<Workflow>> {
        let id = match correlation_id.parse() {
            Ok(id) => id,
            Err(NoCorrelationId) => {
                let text = format!("correlationId: {NoCorrelationId}");
                return Some(Err(invalid(text)));
            }
        };
        workflow::find(ctx, id).await.transpose()
    }
}

/// The run of that key; none where the journal has no such run, or no longer has it.
pub(crate) async fn by_key(ctx: &Context<'_>, key: RunKey) -> Result<Option<Run>> {
    let page = RunPage {
        above: key.number.checked_sub(1),
        below: key.number.checked_add(1),
        ..RunPage::newest(RunFilter::of(key.owner), 1)
    };
    let found = page_of(ctx, page).await?.runs.pop();
    Ok(found.map(Run))
}

/// The run of a workflow with that UUID.
pub(crate) async fn in_workflow(
    ctx: &Context<'_>,
    workflow: CorrelationId,
    id: RunId,
) -> Result<Option<Run>> {
    let filter = RunFilter {
        ids: Some(vec![id]),
        ..RunFilter::of_workflow(workflow)
    };
    let found = page_of(ctx, RunPage::newest(filter, 1)).await?.runs.pop();
    Ok(found.map(Run))
}

pub(super) async fn page_of(ctx: &Context<'_>, page: RunPage) -> Result<RunList> {
    let found = journal(ctx).load_one(page).await;
    let found = found.map_err(|cause| fault(Code::Unavailable, &*cause))?;
    Ok(found.unwrap_or_default())
}

/// The calls of a run that did not succeed, in the order in which they were made.
pub(super) async fn failed_attempts(ctx: &Context<'_>, number: i64) -> Result<Vec<Attempt>> {
    let attempts = journal(ctx).load_one(AttemptsOf(number)).await;
    let attempts = attempts.map_err(|cause| fault(Code::Unavailable, &*cause))?;
    Ok(attempts.unwrap_or_default())
}

pub(crate) async fn ledger(ctx: &Context<'_>, group: Uuid) -> Result<Ledger> {
    let ledger = journal(ctx).load_one(group).await;
    let ledger = ledger.map_err(|cause| fault(Code::Unavailable, &*cause))?;
    Ok(ledger.unwrap_or_default().into())
}

/// The sample of a run, for those who may read what passed through a listener.
pub(super) async fn sample(
    ctx: &Context<'_>,
    group: Uuid,
    number: i64,
) -> Result<Option<RunSample>> {
    let sample = journal(ctx).load_one(SampleOf(group, number)).await;
    let Some(kept) = sample.map_err(|cause| fault(Code::Unavailable, &*cause))? else {
        return Ok(None);
    };
    let right = Right::ReadPayloads(kept.algorithm.organization.clone());
    authority::check(&principal(ctx).actor, &right)
        .map_err(|refusal| error(Code::Forbidden, refusal.to_string()))?;
    Ok(Some(kept.into()))
}

/// What the consumers of a listener are doing.
pub(crate) async fn consumers(ctx: &Context<'_>, group: Uuid) -> Result<Vec<ConsumerStatus>> {
    let consumers = journal(ctx).load_one(ConsumersOf(group)).await;
    let consumers = consumers.map_err(|cause| fault(Code::Unavailable, &*cause))?;
    Ok(consumers.unwrap_or_default())
}

fn journal<'c>(ctx: &Context<'c>) -> &'c DataLoader<Journal> {
    ctx.data_unchecked::<DataLoader<Journal>>()
}
