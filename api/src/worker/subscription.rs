//! What workers follow: their assignments and the control plane's requests.

use std::sync::Arc;

use async_graphql::{Context, ID, Result, Subscription};
use futures_util::{Stream, StreamExt, stream};
use projections::ReadModel;
use projections::assignment::AssignmentCursor;

use super::access;
use super::assignment::AssignmentChanges;
use super::request::WorkerRequest;
use crate::control::{Control, control};
use crate::error::read_failure;
use crate::scalar::Position;

#[derive(Default)]
pub struct WorkerSubscription;

#[Subscription]
impl WorkerSubscription {
    /// What a worker must run: first everything, or everything that changed after a position, then
    /// each change. What does not fit into one item comes in parts.
    async fn assignments(
        &self,
        ctx: &Context<'_>,
        worker_id: ID,
        after: Option<Position>,
    ) -> Result<impl Stream<Item = Result<AssignmentChanges>> + use<>> {
        access::joined(ctx, &worker_id).await?;
        let model = control(ctx).model.clone();
        Ok(assignments(model, after.map(|position| position.0)))
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
    after: Option<domain::Position>,
) -> impl Stream<Item = Result<AssignmentChanges>> {
    let reached = model.watch();
    let start = (model, reached, AssignmentCursor::after(after), true);
    stream::unfold(
        start,
        async |(model, mut reached, mut cursor, mut first)| {
            loop {
                // Marked as seen before the rows are read: a change in between wakes us again.
                reached.mark_unchanged();
                let page = match model.assignments(&cursor).await {
                    Ok(page) => page,
                    Err(cause) => {
                        let failed = Err(read_failure(&cause));
                        return Some((failed, (model, reached, cursor, first)));
                    }
                };
                let next = page.next.clone();
                cursor = next.unwrap_or_else(|| AssignmentCursor::after(Some(page.position)));
                if first || !page.is_empty() {
                    first = false;
                    return Some((Ok(page.into()), (model, reached, cursor, first)));
                }
                reached.changed().await.ok()?;
            }
        },
    )
    .boxed()
}
