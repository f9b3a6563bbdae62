//! What a worker asks when it has a result of a direct run, for which nothing is assigned.

use std::collections::BTreeSet;

use async_graphql::{Context, Json, Object, Result};
use domain::{AlgorithmId, Version};

use super::access;
use super::assignment::VersionOutputs;
use crate::control::control;
use crate::error::{invalid, read_failure};

#[derive(Default)]
pub struct WorkerQuery;

#[Object]
impl WorkerQuery {
    /// The topics that take results of a version now, for workers: one for each publisher that
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
        .map_err(|_| invalid("a version is written 1.2.3"))?;
    let model = &control(ctx).model;
    let outputs = model.outputs(&algorithm, &version).await;
    let outputs = outputs.map_err(|cause| read_failure(&cause))?;
    let topics = outputs.known().unwrap_or_default().iter();
    let brokers: BTreeSet<_> = topics.map(|topic| topic.broker).collect();
    let brokers: Vec<_> = brokers.into_iter().collect();
    let brokers = model.brokers_by_id(&brokers).await;
    let brokers = brokers.map_err(|cause| read_failure(&cause))?;
    let reached = brokers
        .into_iter()
        .map(|broker| (broker.id, broker.settings).into());
    Ok(VersionOutputs {
        brokers: reached.collect(),
        outputs: Json(outputs),
    })
}
