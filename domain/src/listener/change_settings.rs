//! Changing how a listener behaves.

use super::{ListenerSettings, ListenerSettingsChanged};
use crate::authority::Right;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::ids::ListenerId;
use crate::refusal::Refusal;
use crate::topic::Topic;

/// Behave otherwise from now on. All settings may change but where the listener starts: it has
/// started. Nothing happens when they are the present ones.
#[derive(Clone, Debug)]
pub struct ChangeListenerSettings {
    pub listener: ListenerId,
    /// All of them, the unchanged among them.
    pub settings: ListenerSettings,
}

impl Command for ChangeListenerSettings {
    type State = Topic;

    fn stream(&self) -> StreamName {
        StreamName::topic(&self.listener.topic)
    }

    fn requires(&self) -> Right {
        Right::Develop(self.listener.algorithm.organization.clone())
    }

    fn decide(&self, topic: &Topic, _ctx: Ctx) -> Decided {
        let present = &topic.listener(&self.listener.algorithm)?.settings;
        if present.start != self.settings.start {
            return Err(Refusal::StartPositionFixed);
        }
        self.settings.check()?;
        if *present == self.settings {
            return Ok(vec![]);
        }
        Ok(vec![
            ListenerSettingsChanged {
                listener: self.listener.clone(),
                settings: self.settings.clone(),
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;
    use crate::listener::StartPosition;
    use crate::testing::{given, listener_enabled, listener_id};

    fn change(change: impl FnOnce(&mut ListenerSettings)) -> ChangeListenerSettings {
        let mut settings = ListenerSettings::starting(StartPosition::Earliest);
        change(&mut settings);
        ChangeListenerSettings {
            listener: listener_id("orders"),
            settings,
        }
    }

    #[test]
    fn an_enabled_listener_behaves_otherwise() {
        let wider = change(|settings| settings.concurrency = 64);
        given([listener_enabled("orders", "1.0.0")])
            .when(wider.clone())
            .then([Event::from(ListenerSettingsChanged {
                listener: listener_id("orders"),
                settings: wider.settings,
            })]);
    }

    #[test]
    fn the_present_settings_are_no_news() {
        given([listener_enabled("orders", "1.0.0")])
            .when(change(|_| {}))
            .then([]);
    }

    #[test]
    fn where_it_started_does_not_change() {
        given([listener_enabled("orders", "1.0.0")])
            .when(change(|settings| settings.start = StartPosition::Latest))
            .then_refused(Refusal::StartPositionFixed);
    }

    #[test]
    fn settings_out_of_bounds_are_refused_by_field() {
        given([listener_enabled("orders", "1.0.0")])
            .when(change(|settings| settings.retry.max_attempts = 101))
            .then_refused(Refusal::OutOfRange {
                field: "settings.retry.maxAttempts",
                rule: "1 to 100",
            });
    }

    #[test]
    fn a_disabled_listener_is_refused() {
        given([])
            .when(change(|_| {}))
            .then_refused(Refusal::ListenerNotEnabled);
    }
}
