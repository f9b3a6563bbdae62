//! What a decision is: a command, the state it looks at, and events or a refusal.

use std::collections::BTreeMap;

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

/// The state of something that there are several of.
pub trait Keyed: State {
    /// What tells one from another.
    type Key: Clone + Ord + Send + Sync;

    /// Which one an event is about, if it is about one.
    fn key(event: &Event) -> Option<&Self::Key>;
}

/// The states of several things, each folded from its own events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Each<S: Keyed> {
    known: BTreeMap<S::Key, S>,
    unknown: S,
}

impl<S: Keyed> Each<S> {
    /// The state of one; that of nothing where no event told of it.
    #[must_use]
    pub fn get(&self, key: &S::Key) -> &S {
        self.known.get(key).unwrap_or(&self.unknown)
    }
}

impl<S: Keyed> Default for Each<S> {
    fn default() -> Self {
        Self {
            known: BTreeMap::new(),
            unknown: S::default(),
        }
    }
}

impl<S: Keyed> State for Each<S> {
    fn apply(&mut self, event: &Event) {
        let Some(key) = S::key(event) else { return };
        match self.known.get_mut(key) {
            Some(state) => state.apply(event),
            None => {
                let mut state = S::default();
                state.apply(event);
                self.known.insert(key.clone(), state);
            }
        }
    }
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
