//! What a decision is: a command, the state it looks at, and events or a refusal.

use jiff::Timestamp;

use crate::envelope::StreamName;
use crate::event::Event;
use crate::refusal::Refusal;

/// What a decision may use beside the state and the command.
#[derive(Clone, Copy, Debug)]
pub struct Ctx {
    /// When the command is decided.
    pub now: Timestamp,
}

/// What a command leads to: events in the order they happened (none when there is nothing left
/// to do), or the reason why not.
pub type Decision = Result<Vec<Event>, Refusal>;

/// A request to change something.
pub trait Command: Send + Sync {
    /// What the decision looks at, folded from the streams below.
    type State: State;

    /// The stream that takes the events. It must not have changed between reading and appending.
    fn stream(&self) -> StreamName;

    /// Other streams that the decision looks at. They may change before the events are appended;
    /// where that matters, a policy mends it afterwards.
    fn also_reads(&self) -> Vec<StreamName> {
        Vec::new()
    }

    /// Decides. Pure: the same arguments give the same answer.
    ///
    /// # Errors
    /// The refusal, a value that a person can act on.
    fn decide(&self, state: &Self::State, ctx: Ctx) -> Decision;
}

/// Something folded from events.
pub trait State: Default + Send + Sync {
    /// Takes one more event in. Events that do not concern it change nothing.
    fn apply(&mut self, event: &Event);
}

impl State for () {
    fn apply(&mut self, _event: &Event) {}
}

impl<A: State, B: State> State for (A, B) {
    fn apply(&mut self, event: &Event) {
        self.0.apply(event);
        self.1.apply(event);
    }
}

impl<A: State, B: State, C: State> State for (A, B, C) {
    fn apply(&mut self, event: &Event) {
        self.0.apply(event);
        self.1.apply(event);
        self.2.apply(event);
    }
}
