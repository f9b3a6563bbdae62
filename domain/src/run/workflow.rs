//! What one message set off along a flow: its runs, and the runs that their outputs set off.

use std::collections::HashMap;

use super::Run;
use crate::ids::RunId;

/// The deepest run of a workflow that is shown.
const DEEPEST: u32 = 64;

/// The runs of a workflow as a tree, each parent before its children.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workflow {
    pub steps: Vec<Step>,
    /// Whether runs are left out.
    pub is_truncated: bool,
}

/// A run in its workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub run: Run,
    /// The place, among the steps, of the run whose output or dead letter set this one off.
    pub parent: Option<usize>,
    /// 0 for a run without a parent.
    pub depth: u32,
}

impl Workflow {
    /// The tree of `runs`, of which those beyond `most` are left out.
    ///
    /// A run whose parent is not among them stands at the top. A parent was claimed before its
    /// children, so there are no circles, whatever messages say of themselves.
    #[must_use]
    pub fn of(mut runs: Vec<Run>, most: usize) -> Self {
        runs.sort_unstable_by_key(|run| run.number);
        let mut is_truncated = runs.len() > most;
        runs.truncate(most);
        let numbers: HashMap<RunId, i64> = runs.iter().map(|run| (run.id, run.number)).collect();
        let mut children: HashMap<Option<i64>, Vec<Run>> = HashMap::new();
        for run in runs {
            let parent = run.parent.and_then(|parent| numbers.get(&parent).copied());
            let parent = parent.filter(|parent| *parent < run.number);
            children.entry(parent).or_default().push(run);
        }
        let mut steps = Vec::new();
        let mut open = vec![(
            None,
            0,
            children.remove(&None).unwrap_or_default().into_iter(),
        )];
        while let Some((parent, depth, runs)) = open.last_mut() {
            let (parent, depth) = (*parent, *depth);
            let Some(run) = runs.next() else {
                open.pop();
                continue;
            };
            let below = children.remove(&Some(run.number)).unwrap_or_default();
            steps.push(Step { run, parent, depth });
            if depth == DEEPEST {
                is_truncated |= !below.is_empty();
            } else {
                open.push((Some(steps.len() - 1), depth + 1, below.into_iter()));
            }
        }
        Self {
            steps,
            is_truncated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::run;

    fn child(number: i64, parent: i64) -> Run {
        Run {
            parent: Some(run(parent).id),
            ..run(number)
        }
    }

    fn shown(workflow: &Workflow) -> Vec<(i64, Option<usize>, u32)> {
        let steps = workflow.steps.iter();
        steps
            .map(|step| (step.run.number, step.parent, step.depth))
            .collect()
    }

    #[test]
    fn runs_stand_below_those_that_set_them_off() {
        let runs = vec![
            child(5, 2),
            child(3, 1),
            run(2),
            child(4, 1),
            child(6, 3),
            run(1),
        ];
        let workflow = Workflow::of(runs, 10);
        let expected = [
            (1, None, 0),
            (3, Some(0), 1),
            (6, Some(1), 2),
            (4, Some(0), 1),
            (2, None, 0),
            (5, Some(4), 1),
        ];
        assert_eq!(shown(&workflow), expected);
        assert!(!workflow.is_truncated);
    }

    #[test]
    fn a_run_whose_parent_is_not_known_or_younger_stands_at_the_top() {
        let workflow = Workflow::of(
            vec![child(1, 2), child(2, 1), child(3, 3), child(4, 99)],
            10,
        );
        let expected = [(1, None, 0), (2, Some(0), 1), (3, None, 0), (4, None, 0)];
        assert_eq!(shown(&workflow), expected);
    }

    #[test]
    fn the_first_runs_are_shown_of_a_workflow_that_has_too_many_or_is_too_deep() {
        let workflow = Workflow::of(vec![run(1), child(2, 1), child(3, 2)], 2);
        assert_eq!(shown(&workflow), [(1, None, 0), (2, Some(0), 1)]);
        assert!(workflow.is_truncated);

        let chain = (0..100).map(|number| child(number, number - 1));
        let workflow = Workflow::of(chain.collect(), 1000);
        assert_eq!(workflow.steps.len(), DEEPEST as usize + 1);
        assert!(workflow.is_truncated);
    }
}
