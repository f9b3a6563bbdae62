//! Disabling a listener that lost what it needs. A policy's command.

use super::ListenerDisabled;
use crate::algorithm::Algorithm;
use crate::authority::Right;
use crate::broker::Broker;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::grant::Access;
use crate::ids::{EventId, ListenerId};
use crate::topic::Topic;

/// Disable a listener whose grant, broker or algorithm is missing. Nothing happens where it has
/// all three, or is disabled: something may have changed since the policy looked.
#[derive(Clone, Debug)]
pub struct DisableOrphanedListener {
    pub listener: ListenerId,
    /// The event that the policy answers by it.
    pub cause: EventId,
}

impl Command for DisableOrphanedListener {
    type State = (Topic, Broker, Algorithm);

    fn stream(&self) -> StreamName {
        StreamName::topic(&self.listener.topic)
    }

    fn also_reads(&self) -> Vec<StreamName> {
        vec![
            StreamName::broker(self.listener.topic.broker),
            StreamName::algorithm(&self.listener.algorithm),
        ]
    }

    fn requires(&self) -> Right {
        Right::Answer
    }

    fn decide(&self, (topic, broker, algorithm): &Self::State, _ctx: Ctx) -> Decided {
        let (name, id) = (&self.listener.topic.topic, &self.listener.algorithm);
        let enabled = topic.listeners.contains_key(id);
        let justified =
            topic.may_stay_enabled(name, id, Access::Subscribe, broker) && !algorithm.retired;
        if !enabled || justified {
            return Ok(vec![]);
        }
        Ok(vec![
            ListenerDisabled {
                listener: self.listener.clone(),
                cause: Some(self.cause),
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;
    use crate::testing::{
        CAUSE, algorithm_retired, broker_disconnected, given, granted, listener_enabled,
        listener_id, pattern_granted, ready,
    };

    fn disable() -> DisableOrphanedListener {
        DisableOrphanedListener {
            listener: listener_id("orders"),
            cause: CAUSE,
        }
    }

    fn disabled() -> Event {
        ListenerDisabled {
            listener: listener_id("orders"),
            cause: Some(disable().cause),
        }
        .into()
    }

    #[test]
    fn a_listener_without_its_grant_its_broker_or_its_algorithm_is_disabled() {
        given(ready())
            .and([listener_enabled("orders", "1.0.0")])
            .when(disable())
            .then([disabled()]);
        for lost in [broker_disconnected("main"), algorithm_retired("acme/score")] {
            given(ready())
                .and([
                    granted("orders", Access::Subscribe),
                    listener_enabled("orders", "1.0.0"),
                    lost,
                ])
                .when(disable())
                .then([disabled()]);
        }
    }

    #[test]
    fn a_listener_that_has_all_it_needs_stays_enabled() {
        for grant in [
            granted("orders", Access::Subscribe),
            pattern_granted("ord*", Access::Subscribe),
        ] {
            given(ready())
                .and([grant, listener_enabled("orders", "1.0.0")])
                .when(disable())
                .then([]);
        }
    }

    #[test]
    fn a_disabled_listener_is_left_alone() {
        given(ready()).when(disable()).then([]);
    }
}
