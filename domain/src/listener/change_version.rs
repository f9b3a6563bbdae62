//! Changing the version that a listener calls.

use super::ListenerVersionChanged;
use crate::algorithm::Algorithm;
use crate::authority::Right;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::ids::ListenerId;
use crate::topic::Topic;
use crate::version::VersionSelector;

/// Call another version from now on. Nothing happens when it is the present one.
#[derive(Clone, Debug)]
pub struct ChangeListenerVersion {
    pub listener: ListenerId,
    pub version: VersionSelector,
}

impl Command for ChangeListenerVersion {
    type State = (Topic, Algorithm);

    fn stream(&self) -> StreamName {
        StreamName::topic(&self.listener.topic)
    }

    fn also_reads(&self) -> Vec<StreamName> {
        vec![StreamName::algorithm(&self.listener.algorithm)]
    }

    fn requires(&self) -> Right {
        Right::Develop(self.listener.algorithm.organization.clone())
    }

    fn decide(&self, (topic, algorithm): &Self::State, _ctx: Ctx) -> Decided {
        let listener = topic.listener(&self.listener.algorithm)?;
        algorithm.check_resolves(&self.listener.algorithm, &self.version)?;
        if listener.version == self.version {
            return Ok(vec![]);
        }
        Ok(vec![
            ListenerVersionChanged {
                listener: self.listener.clone(),
                version: self.version.clone(),
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;
    use crate::refusal::Refusal;
    use crate::testing::{given, listener_enabled, listener_id, ready, version_published};

    fn change(version: &str) -> ChangeListenerVersion {
        ChangeListenerVersion {
            listener: listener_id("orders"),
            version: version.parse().unwrap(),
        }
    }

    #[test]
    fn an_enabled_listener_moves_to_another_version() {
        given(ready())
            .and([
                version_published("acme/score", "1.1.0"),
                listener_enabled("orders", "1.0.0"),
            ])
            .when(change("1.1.0"))
            .then([Event::from(ListenerVersionChanged {
                listener: listener_id("orders"),
                version: "1.1.0".parse().unwrap(),
            })]);
    }

    #[test]
    fn the_present_version_is_no_news() {
        given(ready())
            .and([listener_enabled("orders", "1.0.0")])
            .when(change("1.0.0"))
            .then([]);
    }

    #[test]
    fn an_unknown_version_is_refused() {
        given(ready())
            .and([listener_enabled("orders", "1.0.0")])
            .when(change("9.0.0"))
            .then_refused(Refusal::UnknownVersion {
                algorithm: "acme/score".parse().unwrap(),
                selector: "9.0.0".parse().unwrap(),
            });
    }

    #[test]
    fn a_disabled_listener_is_refused() {
        given(ready())
            .when(change("1.0.0"))
            .then_refused(Refusal::ListenerNotEnabled);
    }
}
