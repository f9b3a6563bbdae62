//! What one message set off.

use async_graphql::{Context, Object, Result, SimpleObject};
use domain::run::{self, CorrelationId, End, RunFilter, RunPage};

use super::Run;
use super::query::page_of;

/// The most runs of a workflow that are shown.
const MOST: u32 = 500;

/// What one message, or one direct call, set off along a flow: its runs, and the runs that their
/// results and dead letters set off on other topics.
#[derive(SimpleObject)]
pub struct Workflow {
    /// What its runs have in common: the trace id of their messages.
    pub correlation_id: String,
    /// Its runs as a tree, each followed by those that it set off; at most 500.
    pub steps: Vec<WorkflowStep>,
    /// Whether there are more runs, or runs more than 64 levels deep, which are left out.
    pub truncated: bool,
}

pub struct WorkflowStep {
    run: run::Run,
    parent: Option<u32>,
    depth: u32,
}

/// A run in its workflow.
#[Object]
impl WorkflowStep {
    /// The run.
    async fn run(&self) -> Run {
        Run(self.run.clone())
    }

    /// The place, in `steps` and from 0, of the run whose result or dead letter set this one off;
    /// null for the runs of the message that set off the workflow, and of a message whose run is not
    /// known, or no longer.
    async fn parent_index(&self) -> Option<u32> {
        self.parent
    }

    /// How many runs lie between this one and one without a parent, itself not counted.
    async fn depth(&self) -> u32 {
        self.depth
    }
}

/// The workflow with that id; none if nothing is known of it.
pub(super) async fn find(ctx: &Context<'_>, id: CorrelationId) -> Result<Option<Workflow>> {
    let page = RunPage {
        filter: RunFilter::of_workflow(id),
        above: None,
        below: None,
        end: End::Oldest,
        limit: MOST + 1,
    };
    let found = page_of(ctx, page).await?;
    if found.runs.is_empty() {
        return Ok(None);
    }
    let tree = run::Workflow::of(found.runs, MOST as usize);
    let steps = tree.steps.into_iter().map(|step| WorkflowStep {
        run: step.run,
        parent: step.parent.and_then(|place| u32::try_from(place).ok()),
        depth: step.depth,
    });
    Ok(Some(Workflow {
        correlation_id: id.to_string(),
        steps: steps.collect(),
        truncated: tree.is_truncated,
    }))
}
