//! Disabling a listener.

use super::ListenerDisabled;
use crate::authority::Right;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::ids::ListenerId;
use crate::topic::Topic;

/// Stop consuming; the position stays on the broker.
#[derive(Clone, Debug)]
pub struct DisableListener {
    pub listener: ListenerId,
}

impl Command for DisableListener {
    type State = Topic;

    fn stream(&self) -> StreamName {
        StreamName::topic(&self.listener.topic)
    }

    fn requires(&self) -> Right {
        Right::StopFlows(self.listener.algorithm.organization.clone())
    }

    fn decide(&self, topic: &Topic, _ctx: Ctx) -> Decided {
        topic.listener(&self.listener.algorithm)?;
        Ok(vec![
            ListenerDisabled {
                listener: self.listener.clone(),
                cause: None,
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::Access;
    use crate::refusal::Refusal;
    use crate::testing::{
        given, granted, listener_disabled, listener_enabled, listener_id, revoked,
    };

    fn disable() -> DisableListener {
        DisableListener {
            listener: listener_id("orders"),
        }
    }

    #[test]
    fn an_enabled_listener_is_disabled() {
        given([listener_enabled("orders", "1.0.0")])
            .when(disable())
            .then([listener_disabled("orders")]);
    }

    #[test]
    fn a_disabled_listener_is_refused() {
        given([
            listener_enabled("orders", "1.0.0"),
            listener_disabled("orders"),
        ])
        .when(disable())
        .then_refused(Refusal::ListenerNotEnabled);
    }

    #[test]
    fn a_grant_that_is_given_again_enables_nothing() {
        given([
            granted("orders", Access::Subscribe),
            listener_enabled("orders", "1.0.0"),
            revoked("orders", Access::Subscribe),
            listener_disabled("orders"),
            granted("orders", Access::Subscribe),
        ])
        .when(disable())
        .then_refused(Refusal::ListenerNotEnabled);
    }
}
