//! Events as sentences for people: plain text, without markup.

use std::collections::BTreeMap;

use crate::envelope::Actor;
use crate::event::Event;
use crate::ids::BrokerId;
use crate::name::BrokerName;

/// The names of the brokers that a text is about; one that is missing goes by its id.
pub type BrokerNames = BTreeMap<BrokerId, BrokerName>;

/// What happened, as a sentence without a full stop: "ann granted SUBSCRIBE on orders to
/// acme/score".
#[must_use]
pub fn sentence(actor: &Actor, event: &Event, names: &BrokerNames) -> String {
    let who = match actor {
        Actor::User { name } => name.clone(),
        Actor::Worker { id } => format!("worker {id}"),
        Actor::Policy { name } => format!("the {name} policy"),
    };
    format!("{who} {}", event.describe(names))
}

/// A broker by its name, if that is known.
pub(crate) fn broker(id: BrokerId, names: &BrokerNames) -> String {
    match names.get(&id) {
        Some(name) => name.to_string(),
        None => format!("the broker {id}"),
    }
}

pub(crate) fn topics(count: usize) -> String {
    match count {
        1 => "1 topic".to_owned(),
        _ => format!("{count} topics"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::BrokerDisconnected;
    use crate::grant::Access;
    use crate::ids::WorkerId;
    use crate::listener::ListenerDisabled;
    use crate::testing::{
        broker_connected, broker_disconnected, broker_id, dlq_set, granted, listener_enabled,
        listener_id, pattern_revoked, topics_gained, user, version_withdrawn, worker_joined,
    };

    fn by_ann(event: impl Into<Event>) -> String {
        let main = (broker_id("main"), "main".parse().unwrap());
        sentence(&user("ann"), &event.into(), &BTreeMap::from([main]))
    }

    #[test]
    fn events_read_like_sentences() {
        let told = [
            by_ann(granted("orders", Access::Subscribe)),
            by_ann(pattern_revoked("orders.*", Access::Publish)),
            by_ann(broker_connected("main")),
            by_ann(broker_disconnected("main")),
            by_ann(topics_gained("main", &["orders"])),
            by_ann(listener_enabled("orders", "1.*")),
            by_ann(dlq_set("orders", "orders-dlq")),
            by_ann(version_withdrawn("acme/score", "1.0.0")),
        ];
        let expected = [
            "ann granted SUBSCRIBE on orders to acme/score",
            "ann revoked PUBLISH on orders.* from acme/score",
            "ann connected Kafka as main",
            "ann disconnected main",
            "ann found 1 topic on main",
            "ann enabled the listener of acme/score on orders at version 1.*",
            "ann made orders-dlq the dead letter queue of the listener of acme/score on orders",
            "ann withdrew acme/score 1.0.0: it was wrong",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn workers_and_policies_are_named_as_what_they_are() {
        let names = BrokerNames::new();
        let id = WorkerId(uuid::Uuid::nil());
        let worker = sentence(&Actor::Worker { id }, &worker_joined(), &names);
        assert_eq!(worker, format!("worker {id} joined"));
        let policy = Actor::Policy {
            name: "cleanup".to_owned(),
        };
        let disabled = ListenerDisabled {
            listener: listener_id("orders"),
            cause: None,
        };
        assert_eq!(
            sentence(&policy, &disabled.into(), &names),
            "the cleanup policy disabled the listener of acme/score on orders"
        );
    }

    #[test]
    fn a_broker_that_nobody_names_goes_by_its_id() {
        let broker = BrokerId(uuid::Uuid::nil());
        assert_eq!(
            by_ann(BrokerDisconnected { broker }),
            format!("ann disconnected the broker {broker}")
        );
    }
}
