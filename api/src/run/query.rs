//! Reading from the journal what became of several listeners at once.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::connection::{Connection, Edge};
use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::{Context, Result};
use domain::consumer::ConsumerStatus;
use domain::run::{Ledger as LedgerRow, Run as RunRow, RunPage, RunSource, RunSourceError};
use domain::sample::KeptSample;
use domain::{Right, authority};
use uuid::Uuid;

use super::sample::RunSample;
use super::{Ledger, Run, RunKey};
use crate::control::principal;
use crate::error::{Code, error, fault};
use crate::paging::{self, Cursor, limit};

/// Loads from the journal.
pub(crate) struct Journal(pub(crate) Arc<dyn RunSource>);

impl Loader<RunPage> for Journal {
    type Value = Vec<RunRow>;
    type Error = Arc<RunSourceError>;

    async fn load(&self, keys: &[RunPage]) -> Result<HashMap<RunPage, Vec<RunRow>>, Self::Error> {
        let pages = self.0.pages(keys.to_vec()).await.map_err(Arc::new)?;
        Ok(keys.iter().copied().zip(pages).collect())
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

pub(crate) async fn runs(
    ctx: &Context<'_>,
    group: Uuid,
    first: Option<i32>,
    after: Option<String>,
) -> Result<Connection<Cursor, Run>> {
    let wanted = limit(first, None)?;
    let before = paging::number(after.as_deref())?;
    let page = RunPage {
        group,
        before,
        limit: wanted + 1,
    };
    let mut rows = page_of(ctx, page).await?;
    let mut runs = Connection::new(before.is_some(), rows.len() > wanted as usize);
    rows.truncate(wanted as usize);
    runs.edges = rows
        .into_iter()
        .map(|row| Edge::new(Cursor(row.number.to_string()), Run(group, row)))
        .collect();
    Ok(runs)
}

/// The run of that key; none where the journal has no such run, or no longer has it.
pub(crate) async fn by_key(ctx: &Context<'_>, key: RunKey) -> Result<Option<Run>> {
    let page = RunPage {
        group: key.group,
        before: key.number.checked_add(1),
        limit: 1,
    };
    let found = page_of(ctx, page).await?.pop();
    let found = found.filter(|row| row.number == key.number);
    Ok(found.map(|row| Run(key.group, row)))
}

async fn page_of(ctx: &Context<'_>, page: RunPage) -> Result<Vec<RunRow>> {
    let rows = journal(ctx).load_one(page).await;
    let rows = rows.map_err(|cause| fault(Code::Unavailable, &*cause))?;
    Ok(rows.unwrap_or_default())
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
