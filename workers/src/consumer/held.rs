//! What an assignment itself holds its listener for.

use std::sync::Arc;

use domain::Assignment;
use domain::settlement::Reason;

use crate::delivery::Pipeline;
use crate::delivery::blocks::{Block, Blocks};
use crate::delivery::expressions::Compiled;

/// The blocks that last as long as the assignment is as it is.
#[derive(Default)]
pub(super) struct Held {
    no_version: Option<Block>,
    dlq_not_granted: Option<Block>,
    /// With why.
    unusable: Option<(String, Block)>,
    /// The expressions that messages are taken through.
    expressions: Option<Arc<Compiled>>,
}

impl Held {
    /// Holds the listener while its selector matches no version, while it may not send faulty
    /// messages to its dead letter queue, and while an expression cannot be compiled. Tells the gate
    /// when the expressions are others.
    pub(super) fn by(&mut self, assignment: &Assignment, pipeline: &Pipeline) {
        self.by_version(assignment, &pipeline.blocks);
        self.by_dlq(assignment, &pipeline.blocks);
        self.by_expressions(assignment, pipeline);
    }

    fn by_version(&mut self, assignment: &Assignment, blocks: &Blocks) {
        if assignment.version.is_some() {
            self.no_version = None;
        } else if self.no_version.is_none() {
            let text = "no published version matches the selector";
            self.no_version = Some(blocks.enter(Reason::NoVersion, text));
        }
    }

    fn by_dlq(&mut self, assignment: &Assignment, blocks: &Blocks) {
        match &assignment.dlq {
            Some(dlq) if assignment.dlq_not_granted => {
                self.dlq_not_granted.get_or_insert_with(|| {
                    let algorithm = &assignment.listener.algorithm;
                    let text = format!("{algorithm} has no DEAD_LETTER or PUBLISH grant on {dlq}");
                    blocks.enter(Reason::DlqNotGranted, &text)
                });
            }
            Some(_) | None => self.dlq_not_granted = None,
        }
    }

    fn by_expressions(&mut self, assignment: &Assignment, pipeline: &Pipeline) {
        match pipeline.expressions.of(&assignment.settings) {
            Ok(compiled) => {
                self.unusable = None;
                let before = self.expressions.replace(Arc::clone(&compiled));
                if before.is_some_and(|before| !Arc::ptr_eq(&before, &compiled)) {
                    pipeline.gate.expressions_changed();
                }
            }
            Err(unusable) => {
                let is_known = |(text, _): &(String, Block)| *text == unusable.text;
                if !self.unusable.as_ref().is_some_and(is_known) {
                    let reason = unusable.expression.reason();
                    let block = pipeline.blocks.enter(reason, &unusable.text);
                    self.unusable = Some((unusable.text, block));
                }
            }
        }
    }
}
