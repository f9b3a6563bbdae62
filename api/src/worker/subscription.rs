//! What workers follow: their assignments and the control plane's requests.

use std::sync::Arc;

use async_graphql::{Context, ID, Result, SimpleObject, Subscription};
use domain::WorkerId;
use futures_util::{Stream, StreamExt, stream};
use projections::ReadModel;

use super::assignment::{AssignedBroker, AssignmentChanges};
use super::requests::TopicsRequest;
use crate::control::{Control, control};
use crate::error::{invalid, read_failure};
use crate::scalar::Position;

/// What a worker is asked to find out, and answers by `workerAnswer`.
#[derive(SimpleObject)]
pub struct WorkerRequest {
    /// The UUID of the request.
    pub request_id: ID,
    /// List the topics of a broker.
    pub list_topics: Option<ListTopics>,
}

/// A broker to list the topics of.
#[derive(SimpleObject)]
pub struct ListTopics {
    /// The broker.
    pub broker: AssignedBroker,
}

#[derive(Default)]
pub struct WorkerSubscription;

#[Subscription]
impl WorkerSubscription {
    /// What a worker is to run: everything there is or that changed after a position, then each
    /// change.
    async fn assignments(
        &self,
        ctx: &Context<'_>,
        worker_id: ID,
        after: Option<Position>,
    ) -> Result<impl Stream<Item = Result<AssignmentChanges>> + use<>> {
        worker(&worker_id)?;
        let model = control(ctx).model.clone();
        Ok(assignments(model, after.map(|position| position.0)))
    }

    /// What the control plane asks of a worker. A worker attends to one such subscription.
    async fn worker_requests(
        &self,
        ctx: &Context<'_>,
        worker_id: ID,
    ) -> Result<impl Stream<Item = WorkerRequest> + use<>> {
        let worker = worker(&worker_id)?;
        let control = Arc::clone(ctx.data_unchecked::<Arc<Control>>());
        let requests = control.requests.attend(worker);
        Ok(stream::unfold(requests, async |mut requests| {
            let request = requests.recv().await?;
            Some((request.into(), requests))
        }))
    }
}

pub(super) fn worker(id: &ID) -> Result<WorkerId> {
    let id = id.parse().map_err(|_| invalid("a worker's id is a UUID"))?;
    Ok(WorkerId(id))
}

fn assignments(
    model: ReadModel,
    after: Option<domain::Position>,
) -> impl Stream<Item = Result<AssignmentChanges>> {
    let reached = model.watch();
    let start = (model, reached, after, true);
    stream::unfold(start, async |(model, mut reached, mut after, mut first)| {
        loop {
            // Marked as seen before the rows are read: a change in between wakes us again.
            reached.mark_unchanged();
            let (position, changes) = match model.assignments(after).await {
                Ok(changed) => changed,
                Err(cause) => {
                    let failed = Err(read_failure(&cause));
                    return Some((failed, (model, reached, after, first)));
                }
            };
            after = Some(position);
            if first || !changes.is_empty() {
                first = false;
                let item = AssignmentChanges {
                    position: Position(position),
                    changes: changes.into_iter().map(Into::into).collect(),
                };
                return Some((Ok(item), (model, reached, after, first)));
            }
            reached.changed().await.ok()?;
        }
    })
    .boxed()
}

impl From<TopicsRequest> for WorkerRequest {
    fn from(request: TopicsRequest) -> Self {
        Self {
            request_id: ID(request.id.to_string()),
            list_topics: Some(ListTopics {
                broker: AssignedBroker {
                    id: ID(request.id.to_string()),
                    settings: request.settings.into(),
                },
            }),
        }
    }
}
