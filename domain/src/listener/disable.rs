//! Disabling a listener.

use super::ListenerDisabled;
use crate::algorithm::Algorithm;
use crate::broker::Broker;
use crate::command::{Command, Ctx, Decision};
use crate::envelope::StreamName;
use crate::grant::Access;
use crate::ids::{EventId, ListenerId};
use crate::topic::Topic;

/// Stop consuming; the position stays on the broker.
///
/// With a cause it is a policy's, and nothing happens unless the grant, the broker or the
/// algorithm is gone: the world may have moved on since the policy looked.
#[derive(Clone, Debug)]
pub struct DisableListener {
    pub listener: ListenerId,
    /// The event that a policy answers by it.
    pub cause: Option<EventId>,
}

impl Command for DisableListener {
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

    fn decide(&self, (topic, broker, algorithm): &Self::State, _ctx: Ctx) -> Decision {
        let id = &self.listener.algorithm;
        let enabled = topic.listener(id);
        let name = &self.listener.topic.topic;
        let founded = topic.stands(name, id, Access::Subscribe, broker) && !algorithm.retired;
        if self.cause.is_some() && (enabled.is_err() || founded) {
            return Ok(vec![]);
        }
        enabled?;
        Ok(vec![
            ListenerDisabled {
                listener: self.listener.clone(),
                cause: self.cause,
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
        algorithm_retired, broker_disconnected, given, granted, listener_disabled,
        listener_enabled, listener_id, pattern_granted, ready,
    };

    fn disable() -> DisableListener {
        DisableListener {
            listener: listener_id("orders"),
            cause: None,
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
    fn a_policy_disables_what_lost_its_grant_its_broker_or_its_algorithm() {
        let cause = Some(EventId(uuid::Uuid::from_u128(1)));
        let by_policy = DisableListener { cause, ..disable() };
        let disabled = ListenerDisabled {
            listener: listener_id("orders"),
            cause,
        };
        given(ready())
            .and([listener_enabled("orders", "1.0.0")])
            .when(by_policy.clone())
            .then([disabled.clone().into()]);
        given(ready())
            .and([
                granted("orders", Access::Subscribe),
                listener_enabled("orders", "1.0.0"),
                broker_disconnected("main"),
            ])
            .when(by_policy.clone())
            .then([disabled.clone().into()]);
        given(ready())
            .and([
                granted("orders", Access::Subscribe),
                listener_enabled("orders", "1.0.0"),
                algorithm_retired("acme/score"),
            ])
            .when(by_policy)
            .then([disabled.into()]);
    }

    #[test]
    fn a_policy_leaves_alone_what_stands_or_is_gone_already() {
        let by_policy = DisableListener {
            cause: Some(EventId(uuid::Uuid::from_u128(1))),
            ..disable()
        };
        given(ready())
            .and([
                granted("orders", Access::Subscribe),
                listener_enabled("orders", "1.0.0"),
            ])
            .when(by_policy.clone())
            .then([]);
        given(ready())
            .and([
                pattern_granted("ord*", Access::Subscribe),
                listener_enabled("orders", "1.0.0"),
            ])
            .when(by_policy.clone())
            .then([]);
        given(ready()).when(by_policy).then([]);
    }
}
