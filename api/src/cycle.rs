//! Cycles of flows: looked for before a flow is enabled, and once more when it is.

use async_graphql::{Context, Result};
use domain::flow::{Flow, Flows, Node};

use crate::error::read_failure;
use crate::user_error::Warning;
use crate::view::View;

/// The enabled flows by which messages may come to `node`, as far as the read models know: all that
/// could close a cycle with a flow from there.
pub(crate) async fn flows_leading_to(ctx: &Context<'_>, node: &Node) -> Result<Flows> {
    let flows = View::live(ctx).model().flows_leading_to(node).await;
    flows.map_err(|cause| read_failure(&cause))
}

/// What to say about `flows` from one node, which the read models show enabled. Of two flows that
/// close a cycle at the same moment, neither was refused; the later one finds it here.
pub(crate) async fn warnings(
    ctx: &Context<'_>,
    node: &Node,
    flows: impl Iterator<Item = Flow>,
) -> Result<Vec<Warning>> {
    let known = flows_leading_to(ctx, node).await?;
    let cycles = flows.filter_map(|flow| known.cycle(&flow));
    Ok(cycles.map(|cycle| Warning::cycle(&cycle)).collect())
}
