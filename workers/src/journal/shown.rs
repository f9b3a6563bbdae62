//! What the journal shows: runs, their calls, samples and numbers, and what consumers are doing.

use domain::consumer::ConsumerStatus;
use domain::run::{
    Attempt, BoxFuture, Ledger, Owner, Run, RunFilter, RunList, RunPage, RunSource, RunSourceError,
};
use domain::sample::KeptSample;
use domain::series::{Point, Span};
use domain::worker::Confirmations;
use domain::{Position, RunId, WorkerId};
use uuid::Uuid;

use super::operation::Require;
use super::{Journal, JournalError, MOST_READ, RunKey};

impl Journal {
    /// Up to `limit` runs of an owner, newest first, from before the run numbered `before`.
    pub async fn runs(
        &self,
        owner: &Owner,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Run>, JournalError> {
        let page = RunPage {
            below: before,
            ..RunPage::newest(RunFilter::of(owner.clone()), limit)
        };
        Ok(self.page(page).await?.runs)
    }

    /// What is found of a list.
    pub async fn page(&self, page: RunPage) -> Result<RunList, JournalError> {
        let mut found = self.read_pages(vec![page]).await?;
        Ok(found.pop().unwrap_or_default())
    }

    /// One run of an owner, if it is among the newest.
    pub async fn run(&self, owner: &Owner, id: RunId) -> Result<Option<Run>, JournalError> {
        let filter = RunFilter {
            ids: Some(vec![id]),
            ..RunFilter::of(owner.clone())
        };
        Ok(self.page(RunPage::newest(filter, 1)).await?.runs.pop())
    }

    /// The calls of a run that did not succeed.
    pub async fn attempts(&self, run: RunKey) -> Result<Vec<Attempt>, JournalError> {
        let attempts = self.reads.attempts(vec![run.number()]).await;
        let mut attempts = attempts.map_err(JournalError::Read)?;
        Ok(attempts.pop().unwrap_or_default())
    }

    async fn read_pages(&self, mut pages: Vec<RunPage>) -> Result<Vec<RunList>, JournalError> {
        for page in &mut pages {
            page.limit = page.limit.min(MOST_READ);
        }
        self.reads.pages(pages).await.map_err(JournalError::Read)
    }

    /// What became of everything that owners received, in their order.
    pub async fn ledgers(&self, owners: &[Owner]) -> Result<Vec<Ledger>, JournalError> {
        let owners = owners.iter().map(ToString::to_string).collect();
        let ledgers = self.reads.ledgers(owners).await;
        ledgers.map_err(JournalError::Read)
    }

    /// The samples of runs, each of a listener and by its number, in their order.
    pub async fn samples(
        &self,
        runs: &[(Uuid, i64)],
    ) -> Result<Vec<Option<KeptSample>>, JournalError> {
        let samples = self.reads.samples(runs.to_vec()).await;
        samples.map_err(JournalError::Read)
    }
}

impl Confirmations for Journal {
    fn require(&self, position: Position) -> BoxFuture<'_, Result<(), RunSourceError>> {
        Box::pin(async move {
            let required = self.queue.ask(Require(position)).await;
            required.map_err(|error| RunSourceError(Box::new(error)))
        })
    }

    fn unconfirmed(
        &self,
        position: Position,
    ) -> BoxFuture<'_, Result<Vec<WorkerId>, RunSourceError>> {
        Box::pin(async move {
            let read = self.reads.unconfirmed(position).await;
            read.map_err(|error| RunSourceError(Box::new(JournalError::Read(error))))
        })
    }
}

/// Runs and consumers of listeners, as the API reads them.
impl RunSource for Journal {
    fn pages(&self, pages: Vec<RunPage>) -> BoxFuture<'_, Result<Vec<RunList>, RunSourceError>> {
        Box::pin(async move {
            let read = self.read_pages(pages).await;
            read.map_err(|error| RunSourceError(Box::new(error)))
        })
    }

    fn attempts(&self, runs: Vec<i64>) -> BoxFuture<'_, Result<Vec<Vec<Attempt>>, RunSourceError>> {
        Box::pin(async move {
            let read = self.reads.attempts(runs).await;
            read.map_err(|error| RunSourceError(Box::new(JournalError::Read(error))))
        })
    }

    fn ledgers(&self, groups: Vec<Uuid>) -> BoxFuture<'_, Result<Vec<Ledger>, RunSourceError>> {
        Box::pin(async move {
            let owners: Vec<_> = groups.into_iter().map(Owner::Listener).collect();
            let ledgers = self.ledgers(&owners).await;
            ledgers.map_err(|error| RunSourceError(Box::new(error)))
        })
    }

    fn samples(
        &self,
        runs: Vec<(Uuid, i64)>,
    ) -> BoxFuture<'_, Result<Vec<Option<KeptSample>>, RunSourceError>> {
        Box::pin(async move {
            let samples = self.samples(&runs).await;
            samples.map_err(|error| RunSourceError(Box::new(error)))
        })
    }

    fn series(
        &self,
        spans: Vec<(Uuid, Span)>,
    ) -> BoxFuture<'_, Result<Vec<Vec<Point>>, RunSourceError>> {
        Box::pin(async move {
            let read = self.reads.series(spans.clone()).await;
            let read = read.map_err(|error| RunSourceError(Box::new(JournalError::Read(error))))?;
            let kept = spans.iter().zip(read);
            Ok(kept.map(|((_, span), kept)| span.points(kept)).collect())
        })
    }

    fn consumers(
        &self,
        groups: Vec<Uuid>,
    ) -> BoxFuture<'_, Result<Vec<Vec<ConsumerStatus>>, RunSourceError>> {
        Box::pin(async move {
            let read = self.reads.consumers(groups).await;
            read.map_err(|error| RunSourceError(Box::new(JournalError::Read(error))))
        })
    }
}
