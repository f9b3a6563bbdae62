//! A journal that knows how often it is read.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use domain::consumer::{ConsumerState, ConsumerStatus};
use domain::run::{
    Attempt, BoxFuture, Ledger, Owner, Run, RunFilter, RunList, RunPage, RunSource, RunSourceError,
};
use domain::sample::{KeptSample, Sample, SampledHeader};
use domain::series::{Point, Span};
use domain::settlement::Decision;
use domain::testing::{WORKER, run};
use domain::worker::Confirmations;
use domain::{Position, WorkerId};
use jiff::Timestamp;
use uuid::Uuid;

/// A journal in which nothing ran unless it is said to, and which can be made to give no answer.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    pub(crate) stuck: AtomicBool,
    /// How many runs each listener has.
    each: AtomicUsize,
    asked: AtomicUsize,
    reads: AtomicUsize,
}

impl Runs {
    /// Gives each listener so many runs.
    pub(crate) fn have_run(&self, each: usize) {
        self.each.store(each, Ordering::SeqCst);
    }

    /// How many wait for an answer now.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// How often it was read so far.
    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    async fn answer(&self) {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let _asking = Asking::new(&self.asked);
        if self.stuck.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
    }
}

/// A caller that waits for an answer, until it is dropped.
struct Asking<'a>(&'a AtomicUsize);

impl<'a> Asking<'a> {
    fn new(asked: &'a AtomicUsize) -> Self {
        asked.fetch_add(1, Ordering::SeqCst);
        Self(asked)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl RunSource for Runs {
    fn pages(&self, pages: Vec<RunPage>) -> BoxFuture<'_, Result<Vec<RunList>, RunSourceError>> {
        Box::pin(async move {
            self.answer().await;
            let each = i64::try_from(self.each.load(Ordering::SeqCst)).unwrap();
            let page = |page: &RunPage| {
                let newest = page.below.unwrap_or(i64::MAX).min(each + 1);
                let numbers = page.above.map_or(1, |above| above + 1)..newest;
                let numbers = numbers.rev().take(page.limit as usize);
                let runs = numbers.map(|number| of(&page.filter, number));
                RunList {
                    runs: runs.collect(),
                    seen_to: None,
                }
            };
            Ok(pages.iter().map(page).collect())
        })
    }

    fn attempts(&self, runs: Vec<i64>) -> BoxFuture<'_, Result<Vec<Vec<Attempt>>, RunSourceError>> {
        Box::pin(async move {
            self.answer().await;
            Ok(runs.iter().map(|_| Vec::new()).collect())
        })
    }

    fn ledgers(&self, groups: Vec<Uuid>) -> BoxFuture<'_, Result<Vec<Ledger>, RunSourceError>> {
        Box::pin(async move {
            self.answer().await;
            Ok(groups.iter().map(|_| Ledger::default()).collect())
        })
    }

    fn samples(
        &self,
        runs: Vec<(Uuid, i64)>,
    ) -> BoxFuture<'_, Result<Vec<Option<KeptSample>>, RunSourceError>> {
        Box::pin(async move {
            self.answer().await;
            Ok(runs.iter().map(|_| Some(sample())).collect())
        })
    }

    fn series(
        &self,
        spans: Vec<(Uuid, Span)>,
    ) -> BoxFuture<'_, Result<Vec<Vec<Point>>, RunSourceError>> {
        Box::pin(async move {
            self.answer().await;
            let points = spans.iter().map(|(_, span)| span.points(Vec::new()));
            Ok(points.collect())
        })
    }

    fn consumers(
        &self,
        groups: Vec<Uuid>,
    ) -> BoxFuture<'_, Result<Vec<Vec<ConsumerStatus>>, RunSourceError>> {
        Box::pin(async move {
            self.answer().await;
            Ok(groups.iter().map(|_| vec![consumer()]).collect())
        })
    }
}

/// There are no workers to wait for.
impl Confirmations for Runs {
    fn require(&self, _: Position) -> BoxFuture<'_, Result<(), RunSourceError>> {
        Box::pin(async { Ok(()) })
    }

    fn unconfirmed(&self, _: Position) -> BoxFuture<'_, Result<Vec<WorkerId>, RunSourceError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

/// What every consumer is doing.
fn consumer() -> ConsumerStatus {
    ConsumerStatus {
        worker: WORKER,
        state: ConsumerState::Assigned,
        reason: None,
        since: Timestamp::UNIX_EPOCH,
        partitions: 1,
        lag: None,
        updated_at: Timestamp::UNIX_EPOCH,
        is_stale: false,
    }
}

/// What is kept of every run.
fn sample() -> KeptSample {
    KeptSample {
        sample: Sample {
            decision: Decision::Succeeded,
            revision: None,
            key: None,
            key_withheld: false,
            headers: vec![SampledHeader::of("a", Some(b"b"), false)],
            message: None,
            call: None,
        },
        algorithm: "acme/score".parse().unwrap(),
        sampled_at: Timestamp::UNIX_EPOCH,
        probability: 1.0,
    }
}

/// A run of whoever is asked for, which says that another one set it off.
fn of(filter: &RunFilter, number: i64) -> Run {
    let owner = filter.owners.as_ref().and_then(|owners| owners.first());
    let run = run(number);
    Run {
        owner: owner
            .cloned()
            .unwrap_or(Owner::Listener(Uuid::from_u128(1))),
        parent: Some(run.id),
        ..run
    }
}
