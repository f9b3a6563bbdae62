//! What workers follow: their assignments and the control plane's requests.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, ID, Result, Subscription};
use domain::WorkerId;
use futures_util::{Stream, StreamExt, stream};
use projections::ReadModel;
use projections::assignment::AssignmentCursor;
use tokio::time::Instant;

use super::access;
use super::assignment::AssignmentChanges;
use super::request::WorkerRequest;
use crate::control::{Control, control};
use crate::error::read_failure;
use crate::scalar::Position;

/// How often a worker is told how far the log has come, if its assignments did not change.
const POSITIONS_EVERY: Duration = Duration::from_millis(50);

#[derive(Default)]
pub struct WorkerSubscription;

#[Subscription]
impl WorkerSubscription {
    /// What a worker must run: first everything, or everything that changed after a position, then
    /// each change. What does not fit into one item comes in parts. A position up to which nothing
    /// changed comes by itself. A worker that stands by is assigned nothing: nothing comes until it is
    /// its turn, and the subscription ends when it is not any more.
    async fn assignments(
        &self,
        ctx: &Context<'_>,
        worker_id: ID,
        after: Option<Position>,
    ) -> Result<impl Stream<Item = Result<AssignmentChanges>> + use<>> {
        let worker = access::joined(ctx, &worker_id).await?;
        let model = control(ctx).model.clone();
        Ok(assignments(model, worker, after.map(|position| position.0)))
    }

    /// What the control plane asks of a worker. A new subscription of a worker replaces its
    /// earlier one.
    async fn worker_requests(
        &self,
        ctx: &Context<'_>,
        worker_id: ID,
    ) -> Result<impl Stream<Item = WorkerRequest> + use<>> {
        let worker = access::joined(ctx, &worker_id).await?;
        let control = Arc::clone(ctx.data_unchecked::<Arc<Control>>());
        let requests = control.requests.attend(worker);
        Ok(stream::unfold(requests, async |mut requests| {
            let request = requests.recv().await?;
            Some((request.into(), requests))
        }))
    }
}

fn assignments(
    model: ReadModel,
    worker: WorkerId,
    after: Option<domain::Position>,
) -> impl Stream<Item = Result<AssignmentChanges>> {
    let reached = model.watch();
    let start = (
        model,
        worker,
        reached,
        AssignmentCursor::after(after),
        None::<Told>,
    );
    stream::unfold(
        start,
        async |(model, worker, mut reached, mut cursor, mut told)| {
            loop {
                // Marked as seen before the rows are read: a change in between wakes us again.
                reached.mark_unchanged();
                match stands_by(&model, worker).await {
                    Ok(Some(false)) => {}
                    // One that was told nothing waits for its turn.
                    Ok(Some(true)) if told.is_none() => {
                        reached.changed().await.ok()?;
                        continue;
                    }
                    Ok(_) => return None,
                    Err(failed) => {
                        return Some((Err(failed), (model, worker, reached, cursor, told)));
                    }
                }
                let page = match model.assignments(&cursor).await {
                    Ok(page) => page,
                    Err(cause) => {
                        let failed = Err(read_failure(&cause));
                        return Some((failed, (model, worker, reached, cursor, told)));
                    }
                };
                let next = page.next.clone();
                cursor = next.unwrap_or_else(|| AssignmentCursor::after(Some(page.position)));
                let wait = match &told {
                    None => None,
                    Some(_) if !page.is_empty() => None,
                    Some(told) => told.until_worth(page.position),
                };
                let Some(wait) = wait else {
                    told = Some(Told {
                        position: page.position,
                        at: Instant::now(),
                    });
                    return Some((Ok(page.into()), (model, worker, reached, cursor, told)));
                };
                tokio::select! {
                    changed = reached.changed() => changed.ok()?,
                    () = tokio::time::sleep(wait) => {}
                }
            }
        },
    )
    .boxed()
}

/// Whether a worker stands by; nothing where it has left.
async fn stands_by(model: &ReadModel, worker: WorkerId) -> Result<Option<bool>> {
    let worker = model.worker(worker).await;
    let worker = worker.map_err(|cause| read_failure(&cause))?;
    Ok(worker.map(|worker| worker.stands_by))
}

/// What a worker was told last.
struct Told {
    position: domain::Position,
    at: Instant,
}

impl Told {
    /// How long to wait before the worker is told of this position, given that its assignments did
    /// not change; none if it is to be told now.
    fn until_worth(&self, position: domain::Position) -> Option<Duration> {
        if position == self.position {
            return Some(Duration::MAX);
        }
        let left = POSITIONS_EVERY.saturating_sub(self.at.elapsed());
        (!left.is_zero()).then_some(left)
    }
}
