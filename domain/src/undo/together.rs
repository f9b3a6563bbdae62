//! Several commands of one stream, decided as one.

use std::collections::BTreeSet;

use crate::authority::Right;
use crate::command::{AnyCommand, Ctx, Decided, Deciding};
use crate::envelope::StreamName;
use crate::event::Event;
use crate::undo::Inverse;

/// Commands of one stream, at least one, each decided on what those before it decided: all of them
/// or none.
#[derive(Debug)]
pub(super) struct Together(pub(super) Vec<Inverse>);

impl AnyCommand for Together {
    fn stream(&self) -> StreamName {
        self.0[0].stream()
    }

    fn also_reads(&self) -> Vec<StreamName> {
        let streams = self.0.iter().flat_map(|command| command.also_reads());
        streams.collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn requires(&self) -> Right {
        Right::All(self.0.iter().map(|command| command.requires()).collect())
    }

    fn begin(&self) -> Box<dyn Deciding + '_> {
        Box::new(Decisions(
            self.0.iter().map(|command| command.begin()).collect(),
        ))
    }
}

struct Decisions<'a>(Vec<Box<dyn Deciding + 'a>>);

impl Deciding for Decisions<'_> {
    fn apply(&mut self, event: &Event) {
        self.0.iter_mut().for_each(|decision| decision.apply(event));
    }

    fn decide(&mut self, ctx: Ctx) -> Decided {
        let mut events: Vec<Event> = Vec::new();
        for decision in &mut self.0 {
            events.iter().for_each(|event| decision.apply(event));
            events.extend(decision.decide(ctx)?);
        }
        Ok(events)
    }
}
