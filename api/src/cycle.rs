//! Cycles of flows: looked for before a flow is enabled, and once more when it is.

use async_graphql::{Context, Result};
use domain::flow::{Flow, Flows};

use crate::error::read_failure;
use crate::user_error::Warning;
use crate::view::View;

/// The enabled flows that messages of `flow` could take, as far as the read models know.
pub(crate) async fn flows_beyond(ctx: &Context<'_>, flow: &Flow) -> Result<Flows> {
    let flows = View::live(ctx).model().flows_beyond(flow).await;
    flows.map_err(|cause| read_failure(&cause))
}

/// What to say about `flow`, which the read models show enabled. Of two flows that close a cycle at
/// the same moment, neither was refused; the later one finds it here.
pub(crate) async fn warnings(ctx: &Context<'_>, flow: &Flow) -> Result<Vec<Warning>> {
    let cycle = flows_beyond(ctx, flow).await?.cycle(flow);
    Ok(cycle.iter().map(Warning::cycle).collect())
}
