//! Events in words for people: plain text, without markup.

use std::collections::BTreeMap;
use std::fmt;

use crate::algorithm::because;
use crate::broker::BrokerReplaced;
use crate::envelope::Actor;
use crate::event::Event;
use crate::grant::Permission;
use crate::ids::{BrokerId, ListenerId, PublisherId};
use crate::name::BrokerName;
use crate::version::VersionSelector;

/// The names of the brokers that a text is about; one that is missing goes by its id.
pub type BrokerNames = BTreeMap<BrokerId, BrokerName>;

/// What happened, as a sentence without a full stop: "ann granted SUBSCRIBE on orders to
/// acme/score".
#[must_use]
pub fn words(actor: &Actor, event: &Event, names: &BrokerNames) -> String {
    let who = match actor {
        Actor::User { name } => name.clone(),
        Actor::Worker { id } => format!("worker {id}"),
        Actor::Policy { name } => format!("the policy {name}"),
    };
    format!("{who} {}", deed(event, names))
}

/// What was done, from the verb on.
fn deed(event: &Event, names: &BrokerNames) -> String {
    use Event as E;
    let broker = |id: &BrokerId| Broker(*id, names);
    match event {
        E::OrganizationCreated(e) => format!("created the organization {}", e.name),
        E::MemberAdded(e) => format!("added {} to {} as {}", e.member, e.organization, e.role),
        E::MemberRoleChanged(e) => format!("made {} {} of {}", e.member, e.role, e.organization),
        E::MemberRemoved(e) => format!("removed {} from {}", e.member, e.organization),
        E::AlgorithmRegistered(e) => format!("registered the algorithm {}", e.algorithm),
        E::VersionPublished(e) => format!("published {} {}", e.algorithm, e.version),
        E::VersionWithdrawn(e) => {
            let reason = because(e.reason.as_deref());
            format!("withdrew {} {}{reason}", e.algorithm, e.version)
        }
        E::AlgorithmRetired(e) => format!("retired the algorithm {}", e.algorithm),
        E::BrokerConnected(e) => format!("connected {} as {}", e.settings.kind(), e.name),
        E::BrokerCredentialsRotated(e) => {
            format!("gave {} the credential {}", broker(&e.broker), e.credential)
        }
        E::TopicsDiscovered(e) => {
            format!("found {} on {}", topics(e.topics.len()), broker(&e.broker))
        }
        E::TopicPatternGranted(e) => granted(&e.permission, &e.pattern),
        E::TopicPatternRevoked(e) => revoked(&e.permission, &e.pattern),
        E::BrokerReplaced(e) => replaced(e, names),
        E::BrokerDisconnected(e) => format!("disconnected {}", broker(&e.broker)),
        E::TopicGranted(e) => granted(&e.permission, &e.topic.topic),
        E::TopicRevoked(e) => revoked(&e.permission, &e.topic.topic),
        E::ListenerEnabled(e) => enabled(&listener(&e.listener), &e.version),
        E::ListenerVersionChanged(e) => moved(&listener(&e.listener), &e.version),
        E::ListenerSettingsChanged(e) => {
            format!("changed the settings of {}", listener(&e.listener))
        }
        E::ListenerPaused(e) => format!("paused {}", listener(&e.listener)),
        E::ListenerResumed(e) => format!("resumed {}", listener(&e.listener)),
        E::ListenerDisabled(e) => format!("disabled {}", listener(&e.listener)),
        E::DlqSet(e) => {
            format!(
                "made {} the dead letter queue of {}",
                e.dlq,
                listener(&e.listener)
            )
        }
        E::DlqCleared(e) => format!("took the dead letter queue from {}", listener(&e.listener)),
        E::PublisherEnabled(e) => enabled(&publisher(&e.publisher), &e.version),
        E::PublisherVersionChanged(e) => moved(&publisher(&e.publisher), &e.version),
        E::PublisherDisabled(e) => format!("disabled {}", publisher(&e.publisher)),
        E::WorkerJoined(_) => "joined".to_owned(),
        E::WorkerLeft(_) => "left".to_owned(),
        E::ConsumerStarted(e) => format!("began to serve {}", listener(&e.listener)),
        E::ConsumerStopped(e) => format!("stopped serving {}", listener(&e.listener)),
        E::ConsumerFailed(e) => format!("failed to serve {}: {}", listener(&e.listener), e.error),
        E::ListenerBlocked(e) => format!("blocked {}: {}", listener(&e.listener), e.reason),
        E::ListenerUnblocked(e) => format!("let {} go on", listener(&e.listener)),
    }
}

/// A broker by its name, if that is known.
struct Broker<'a>(BrokerId, &'a BrokerNames);

impl fmt::Display for Broker<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1.get(&self.0) {
            Some(name) => name.fmt(f),
            None => write!(f, "the broker {}", self.0),
        }
    }
}

fn granted(permission: &Permission, on: &impl fmt::Display) -> String {
    format!(
        "granted {} on {on} to {}",
        permission.access, permission.grantee
    )
}

fn revoked(permission: &Permission, on: &impl fmt::Display) -> String {
    format!(
        "revoked {} on {on} from {}",
        permission.access, permission.grantee
    )
}

fn replaced(e: &BrokerReplaced, names: &BrokerNames) -> String {
    let (old, new) = (Broker(e.broker, names), Broker(e.replacement, names));
    match e.left_behind.len() {
        0 => format!("replaced {old} by {new}"),
        count => format!("replaced {old} by {new} and left {} behind", topics(count)),
    }
}

fn enabled(what: &str, version: &VersionSelector) -> String {
    format!("enabled {what} at version {version}")
}

fn moved(what: &str, version: &VersionSelector) -> String {
    format!("moved {what} to version {version}")
}

fn listener(id: &ListenerId) -> String {
    format!("the listener of {} on {}", id.algorithm, id.topic.topic)
}

fn publisher(id: &PublisherId) -> String {
    format!("the publisher of {} to {}", id.algorithm, id.topic.topic)
}

fn topics(count: usize) -> String {
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
        listener_id, pattern_revoked, topics_discovered, version_withdrawn, worker_joined,
    };

    fn by_ann(event: impl Into<Event>) -> String {
        let ann = Actor::User {
            name: "ann".to_owned(),
        };
        let main = (broker_id("main"), "main".parse().unwrap());
        words(&ann, &event.into(), &BTreeMap::from([main]))
    }

    #[test]
    fn events_read_like_sentences() {
        let told = [
            by_ann(granted("orders", Access::Subscribe)),
            by_ann(pattern_revoked("orders.*", Access::Publish)),
            by_ann(broker_connected("main")),
            by_ann(broker_disconnected("main")),
            by_ann(topics_discovered("main", &["orders"])),
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
        let worker = words(&Actor::Worker { id }, &worker_joined(), &names);
        assert_eq!(worker, format!("worker {id} joined"));
        let policy = Actor::Policy {
            name: "orphans".to_owned(),
        };
        let disabled = ListenerDisabled {
            listener: listener_id("orders"),
            cause: None,
        };
        assert_eq!(
            words(&policy, &disabled.into(), &names),
            "the policy orphans disabled the listener of acme/score on orders"
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
