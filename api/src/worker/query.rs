//! What a worker asks when it has a result of a direct run, for which nothing is assigned.

use async_graphql::{Context, Object, Result};
use domain::{AlgorithmId, Version};

use super::assignment::AssignedOutput;
use crate::control::control;
use crate::error::{invalid, read_failure};

#[derive(Default)]
pub struct WorkerQuery;

#[Object]
impl WorkerQuery {
    /// The topics that take results of a version now, for workers: one for each publisher that
    /// matches. Null without an error while a publisher is being moved to the broker that replaces
    /// its own: ask again later.
    async fn outputs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`organization/name`")] algorithm: String,
        version: String,
    ) -> Option<Result<Vec<AssignedOutput>>> {
        outputs(ctx, algorithm, &version).await.transpose()
    }
}

async fn outputs(
    ctx: &Context<'_>,
    algorithm: String,
    version: &str,
) -> Result<Option<Vec<AssignedOutput>>> {
    let algorithm = AlgorithmId::try_from(algorithm).map_err(|e| invalid(e.to_string()))?;
    let version: Version = version
        .parse()
        .map_err(|_| invalid("a version is written 1.2.3"))?;
    let outputs = control(ctx).model.outputs(&algorithm, &version).await;
    let outputs = outputs.map_err(|cause| read_failure(&cause))?;
    Ok(AssignedOutput::list(outputs))
}
