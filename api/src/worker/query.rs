//! Reading workers; and what one asks when it has a result of a direct run, for which nothing is
//! assigned.

use std::collections::BTreeSet;

use async_graphql::{Context, Enum, Object, Result};
use domain::{AlgorithmId, Version};
use projections::worker::{WorkerFilter, WorkerSort};

use super::assignment::VersionOutputs;
use super::{Worker, access};
use crate::as_of::AsOf;
use crate::control::control;
use crate::error::{invalid, read_failure};
use crate::list::{Bounds, List, OrderBy, Part};
use crate::scalar::Json;
use crate::view::View;

#[derive(Default)]
pub struct WorkerQuery;

/// What workers can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "WorkerSort")]
pub enum WorkerOrderField {
    /// By UUID.
    Id,
    /// By the time at which they last joined.
    JoinedAt,
}

#[Object]
impl WorkerQuery {
    /// The workers that have joined and not left.
    #[expect(clippy::too_many_arguments, reason = "they are the field's")]
    async fn workers(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        order_by: Option<OrderBy<WorkerOrderField>>,
        as_of: Option<AsOf>,
    ) -> Option<Result<List<Worker>>> {
        let view = match View::at(ctx, as_of).await {
            Ok(view) => view,
            Err(error) => return Some(Err(error)),
        };
        let bounds = Bounds {
            first,
            after,
            last,
            before,
        };
        let part = Part::new(bounds, order_by);
        Some(view.list(WorkerFilter, part, Worker::of_row).await)
    }

    /// For workers: the topics that take results of a version now, one for each publisher that
    /// matches.
    async fn outputs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`organization/name`")] algorithm: String,
        version: String,
    ) -> Option<Result<VersionOutputs>> {
        Some(outputs(ctx, algorithm, &version).await)
    }
}

async fn outputs(ctx: &Context<'_>, algorithm: String, version: &str) -> Result<VersionOutputs> {
    access::check_worker(ctx)?;
    let algorithm = AlgorithmId::try_from(algorithm).map_err(|e| invalid(e.to_string()))?;
    let version: Version = version
        .parse()
        .map_err(|_| invalid("a version must have the form 1.2.3"))?;
    let model = &control(ctx).model;
    let outputs = model.outputs(&algorithm, &version).await;
    let outputs = outputs.map_err(|cause| read_failure(&cause))?;
    let topics = outputs.known().unwrap_or_default().iter();
    let brokers: BTreeSet<_> = topics.map(|topic| topic.broker).collect();
    let brokers: Vec<_> = brokers.into_iter().collect();
    let brokers = model.assigned_brokers(&brokers).await;
    let brokers = brokers.map_err(|cause| read_failure(&cause))?;
    Ok(VersionOutputs {
        brokers: brokers.into_iter().map(Into::into).collect(),
        outputs: Json(outputs),
    })
}
