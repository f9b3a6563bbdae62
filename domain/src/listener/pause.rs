//! Pausing a listener, and resuming it.

use super::{ListenerPaused, ListenerResumed};
use crate::authority::Right;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::ids::ListenerId;
use crate::topic::Topic;

/// Consume nothing for now; the listener stays enabled and keeps its position. Nothing happens
/// when it is paused already.
#[derive(Clone, Debug)]
pub struct PauseListener {
    pub listener: ListenerId,
}

impl Command for PauseListener {
    type State = Topic;

    fn stream(&self) -> StreamName {
        StreamName::topic(&self.listener.topic)
    }

    fn requires(&self) -> Right {
        Right::StopFlows(self.listener.algorithm.organization.clone())
    }

    fn decide(&self, topic: &Topic, _ctx: Ctx) -> Decided {
        if topic.listener(&self.listener.algorithm)?.paused {
            return Ok(vec![]);
        }
        Ok(vec![
            ListenerPaused {
                listener: self.listener.clone(),
            }
            .into(),
        ])
    }
}

/// Consume again from where it was paused. Nothing happens when it is not paused.
#[derive(Clone, Debug)]
pub struct ResumeListener {
    pub listener: ListenerId,
}

impl Command for ResumeListener {
    type State = Topic;

    fn stream(&self) -> StreamName {
        StreamName::topic(&self.listener.topic)
    }

    fn requires(&self) -> Right {
        Right::Develop(self.listener.algorithm.organization.clone())
    }

    fn decide(&self, topic: &Topic, _ctx: Ctx) -> Decided {
        if !topic.listener(&self.listener.algorithm)?.paused {
            return Ok(vec![]);
        }
        Ok(vec![
            ListenerResumed {
                listener: self.listener.clone(),
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::Refusal;
    use crate::testing::{
        given, listener_disabled, listener_enabled, listener_id, listener_paused, listener_resumed,
    };

    fn pause() -> PauseListener {
        PauseListener {
            listener: listener_id("orders"),
        }
    }

    fn resume() -> ResumeListener {
        ResumeListener {
            listener: listener_id("orders"),
        }
    }

    #[test]
    fn an_enabled_listener_is_paused_once() {
        given([listener_enabled("orders", "1.0.0")])
            .when(pause())
            .then([listener_paused("orders")]);
        given([
            listener_enabled("orders", "1.0.0"),
            listener_paused("orders"),
        ])
        .when(pause())
        .then([]);
    }

    #[test]
    fn a_paused_listener_is_resumed_once() {
        given([
            listener_enabled("orders", "1.0.0"),
            listener_paused("orders"),
        ])
        .when(resume())
        .then([listener_resumed("orders")]);
        given([
            listener_enabled("orders", "1.0.0"),
            listener_paused("orders"),
            listener_resumed("orders"),
        ])
        .when(resume())
        .then([]);
    }

    #[test]
    fn a_disabled_listener_is_refused_and_forgets_that_it_was_paused() {
        given([])
            .when(pause())
            .then_refused(Refusal::ListenerNotEnabled);
        given([])
            .when(resume())
            .then_refused(Refusal::ListenerNotEnabled);
        given([
            listener_enabled("orders", "1.0.0"),
            listener_paused("orders"),
            listener_disabled("orders"),
            listener_enabled("orders", "1.0.0"),
        ])
        .when(resume())
        .then([]);
    }
}
