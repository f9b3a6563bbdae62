//! Taking an event back: what its inverse is made from, and why there may be none.

use crate::algorithm::Algorithm;
use crate::broker::Broker;
use crate::command::{AnyCommand, State};
use crate::event::Event;
use crate::flow::Flows;
use crate::organization::Organization;
use crate::topic::Topic;

/// A command that takes an event back. It is decided like any other, and may be refused.
pub type Inverse = Box<dyn AnyCommand>;

/// Why an event cannot be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoUndo {
    /// It is for good.
    #[error("{0}")]
    Final(&'static str),
    #[error("a worker reported it; only decisions can be undone")]
    Reported,
    /// Something changed it since: to undo it would undo that, too.
    #[error("it has been changed since")]
    ChangedSince,
}

/// What the thing that an event is about was or is, folded from its stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub organization: Organization,
    pub algorithm: Algorithm,
    pub broker: Broker,
    pub topic: Topic,
}

/// What an inverse is made from.
#[derive(Clone, Copy, Debug)]
pub struct Past<'a> {
    /// Everything before the event in its stream.
    pub before: &'a Standing,
    /// Everything in its stream.
    pub now: &'a Standing,
    /// The flows that are enabled now, as far as the caller knows.
    pub flows: &'a Flows,
}

impl State for Standing {
    fn apply(&mut self, event: &Event) {
        self.organization.apply(event);
        self.algorithm.apply(event);
        self.broker.apply(event);
        self.topic.apply(event);
    }
}

/// Refuses where what the event did is no longer so.
pub(crate) fn unless_changed(so: bool) -> Result<(), NoUndo> {
    if so {
        Ok(())
    } else {
        Err(NoUndo::ChangedSince)
    }
}

mod together;

/// The command that takes back the events of one append, in one append. `before` is everything
/// before them in their stream, `now` everything in it.
///
/// # Errors
/// One of them cannot be taken back.
pub fn inverse(
    events: &[Event],
    mut before: Standing,
    now: &Standing,
    flows: &Flows,
) -> Result<Inverse, NoUndo> {
    let mut after = before.clone();
    events.iter().for_each(|event| after.apply(event));
    // Where nothing changed since, an event is taken back once those after it are; else each must
    // still be so.
    let unchanged = after == *now;
    let mut inverses = Vec::new();
    for event in events {
        let mut done = before.clone();
        done.apply(event);
        let past = Past {
            before: &before,
            now: if unchanged { &done } else { now },
            flows,
        };
        inverses.push(event.inverse(&past)?);
        before = done;
    }
    // What came last goes first.
    inverses.reverse();
    Ok(match inverses.len() {
        1 => inverses.remove(0),
        _ => Box::new(together::Together(inverses)),
    })
}

#[cfg(test)]
mod tests;
