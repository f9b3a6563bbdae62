//! Given events, when a command, then events or a refusal.

use jiff::Timestamp;

use crate::command::{Command, Ctx, Decided, State};
use crate::event::Event;
use crate::refusal::Refusal;

pub(crate) struct Given(Vec<Event>);

pub(crate) struct Outcome(Decided);

pub(crate) fn given(events: impl IntoIterator<Item = Event>) -> Given {
    Given(events.into_iter().collect())
}

impl Given {
    pub(crate) fn and(mut self, events: impl IntoIterator<Item = Event>) -> Self {
        self.0.extend(events);
        self
    }

    pub(crate) fn when<C: Command>(self, command: C) -> Outcome {
        let mut state = C::State::default();
        for event in &self.0 {
            state.apply(event);
        }
        let ctx = Ctx {
            now: Timestamp::UNIX_EPOCH,
        };
        Outcome(command.decide(&state, ctx))
    }
}

impl Outcome {
    #[track_caller]
    pub(crate) fn then(self, events: impl IntoIterator<Item = Event>) {
        assert_eq!(self.0, Ok(events.into_iter().collect()));
    }

    #[track_caller]
    pub(crate) fn then_refused(self, refusal: Refusal) {
        assert_eq!(self.0, Err(refusal));
    }
}
