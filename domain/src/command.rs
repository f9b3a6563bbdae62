//! What a decision is: a command, the state it looks at, and events or a refusal.

mod event;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use crate::authority::Right;
use crate::envelope::StreamName;
use crate::event::Event;
use crate::refusal::Refusal;

pub use event::NothingChanged;

/// What a decision may use beside the state and the command.
#[derive(Clone, Copy, Debug)]
pub struct Ctx {
    /// When the command is decided.
    pub now: Timestamp,
}

/// What a command leads to: events in the order they happened (none when there is nothing left
/// to do), or the reason why not.
pub type Decided = Result<Vec<Event>, Refusal>;

/// A request to change something.
pub trait Command: fmt::Debug + Send + Sync {
    /// What the decision looks at, folded from the streams below.
    type State: State;

    /// The stream that takes the events. It must not have changed between reading and appending.
    fn stream(&self) -> StreamName;

    /// Other streams that the decision looks at. They may change before the events are appended;
    /// where that matters, a policy mends it afterwards.
    fn also_reads(&self) -> Vec<StreamName> {
        Vec::new()
    }

    /// The right that the caller must have.
    fn requires(&self) -> Right;

    /// Decides. Pure: the same arguments give the same answer.
    ///
    /// # Errors
    /// The refusal, a value that a person can act on.
    fn decide(&self, state: &Self::State, ctx: Ctx) -> Decided;
}

/// A command of any kind, with its state behind it: what can be kept as a value and executed
/// like any other. Every [`Command`] is one.
pub trait AnyCommand: fmt::Debug + Send + Sync {
    /// As [`Command::stream`].
    fn stream(&self) -> StreamName;

    /// As [`Command::also_reads`].
    fn also_reads(&self) -> Vec<StreamName>;

    /// As [`Command::requires`].
    fn requires(&self) -> Right;

    /// Begins a decision, which takes the events of the streams and then decides.
    fn begin(&self) -> Box<dyn Deciding + '_>;
}

/// A decision that is being made.
pub trait Deciding: Send {
    /// Takes one more event in.
    fn apply(&mut self, event: &Event);

    /// Decides on the events so far.
    ///
    /// # Errors
    /// As [`Command::decide`].
    fn decide(&mut self, ctx: Ctx) -> Decided;
}

impl<C: Command> AnyCommand for C {
    fn stream(&self) -> StreamName {
        Command::stream(self)
    }

    fn also_reads(&self) -> Vec<StreamName> {
        Command::also_reads(self)
    }

    fn requires(&self) -> Right {
        Command::requires(self)
    }

    fn begin(&self) -> Box<dyn Deciding + '_> {
        Box::new(OpenDecision {
            command: self,
            state: C::State::default(),
        })
    }
}

/// A command and the state it is decided on.
struct OpenDecision<'a, C: Command> {
    command: &'a C,
    state: C::State,
}

impl<C: Command> Deciding for OpenDecision<'_, C> {
    fn apply(&mut self, event: &Event) {
        self.state.apply(event);
    }

    fn decide(&mut self, ctx: Ctx) -> Decided {
        self.command.decide(&self.state, ctx)
    }
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
    /// The state of one; the default where no event is about it.
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
