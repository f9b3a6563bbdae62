//! The topics that take an algorithm's results.

use domain::broker::{
    BrokerConnected, BrokerDisconnected, BrokerReplaced, BrokerSettings, SqsAuth,
};
use domain::grant::{Access, TopicGranted};
use domain::publisher::{PublisherDisabled, PublisherEnabled};
use domain::{Assignment, BrokerId, CredentialRef, Event, Outputs, TopicId};

use crate::events::{
    algorithm, flowing, granted, pattern_granted, pattern_revoked, permission, published,
    publisher, publishes, revoked_from, to_organization, withdrawn,
};
use crate::fixture::{Fixture, history};

#[tokio::test]
async fn a_publisher_of_the_latest_skips_withdrawn_versions() {
    let mut events = flowing("1.0.0");
    events.extend([publishes("latest"), published("1.1.0")]);
    let fixture = Fixture::after(&events).await;
    assert_eq!(known(&fixture.assigned().await[0]), []);
    events.push(withdrawn("1.1.0"));
    fixture.apply(&history(&events)[events.len() - 1..]).await;
    assert_eq!(known(&fixture.assigned().await[0]).len(), 1);
}

#[tokio::test]
async fn an_output_needs_a_grant_of_any_kind() {
    let mut events = flowing("1.0.0");
    let publish = || permission(Access::Publish);
    events.push(publishes("1.*"));
    let fixture = Fixture::after(&events).await;
    let steps: [(Event, usize); 4] = [
        (revoked_from("scores", publish()), 0),
        (pattern_granted("s*", to_organization(Access::Publish)), 1),
        (pattern_revoked("s*", to_organization(Access::Publish)), 0),
        (granted("scores", Access::Publish), 1),
    ];
    for (step, outputs) in steps {
        events.push(step);
        fixture.apply(&history(&events)[events.len() - 1..]).await;
        assert_eq!(known(&fixture.assigned().await[0]).len(), outputs);
    }
}

#[tokio::test]
async fn a_disabled_publisher_takes_nothing() {
    let mut events = flowing("1.0.0");
    let publisher = publisher();
    let cause = None;
    events.push(publishes("1.*"));
    events.push(PublisherDisabled { publisher, cause }.into());
    let fixture = Fixture::after(&events).await;
    assert_eq!(known(&fixture.assigned().await[0]), []);
}

#[tokio::test]
async fn outputs_on_a_disconnected_broker_are_left_out() {
    let (broker, more) = elsewhere();
    let mut events = flowing("1.0.0");
    events.extend(more);
    let fixture = Fixture::after(&events).await;
    assert_eq!(known(&fixture.assigned().await[0]).len(), 1);
    events.push(BrokerDisconnected { broker }.into());
    fixture.apply(&history(&events)[events.len() - 1..]).await;
    assert_eq!(known(&fixture.assigned().await[0]), []);
}

/// A result that was published in between would reach neither broker.
#[tokio::test]
async fn outputs_are_moving_until_a_publisher_has_followed_its_broker() {
    let (elsewhere, more) = elsewhere();
    let mut events = flowing("1.0.0");
    events.extend(more);
    let publishers = async |events: &[Event]| {
        let fixture = Fixture::after(events).await;
        let version = "1.0.0".parse().unwrap();
        let direct = fixture.model.outputs(&algorithm(), &version).await.unwrap();
        let assigned = fixture.assigned().await.remove(0).outputs;
        assert_eq!(assigned, direct, "one rule for listeners and direct runs");
        match direct {
            Outputs::Known(topics) => Some(topics),
            Outputs::Moving => None,
        }
    };
    let on = |broker| {
        let mut publisher = publisher();
        publisher.topic.broker = broker;
        publisher
    };
    let at = |broker| Some(vec![on(broker).topic]);
    let next = BrokerId::of_name(&"next".parse().unwrap(), 0);
    assert_eq!(publishers(&events).await, at(elsewhere));
    let connected = BrokerConnected {
        broker: next,
        name: "next".parse().unwrap(),
        settings: BrokerSettings::Sqs {
            region: "eu-central-1".to_owned(),
            endpoint: None,
            auth: SqsAuth::DefaultChain,
        },
    };
    let replaced = BrokerReplaced {
        broker: elsewhere,
        replacement: next,
        left_behind: vec![],
        start: None,
    };
    events.extend([connected.into(), replaced.into()]);
    assert_eq!(publishers(&events).await, None);

    let granted = TopicGranted {
        topic: on(next).topic,
        permission: permission(Access::Publish),
        cause: None,
    };
    let enabled = PublisherEnabled {
        publisher: on(next),
        version: "1.*".parse().unwrap(),
        cause: None,
    };
    events.extend([granted.into(), enabled.into()]);
    assert_eq!(publishers(&events).await, None);
    let disabled = PublisherDisabled {
        publisher: on(elsewhere),
        cause: None,
    };
    events.push(disabled.into());
    assert_eq!(publishers(&events).await, at(next));
}

/// The outputs of an assignment that says which they are.
pub(crate) fn known(assignment: &Assignment) -> &[TopicId] {
    assignment.outputs.known().expect("no publisher is moving")
}

/// A second broker, to SQS by keys, whose topic takes the results of the algorithm.
pub(crate) fn elsewhere() -> (BrokerId, Vec<Event>) {
    let broker = BrokerId::of_name(&"keys".parse().unwrap(), 0);
    let mut publisher = publisher();
    publisher.topic.broker = broker;
    let connected = BrokerConnected {
        broker,
        name: "keys".parse().unwrap(),
        settings: BrokerSettings::Sqs {
            region: "eu-central-1".to_owned(),
            endpoint: None,
            auth: SqsAuth::StaticKeys {
                credential: credential(1),
            },
        },
    };
    let granted = TopicGranted {
        topic: publisher.topic.clone(),
        permission: permission(Access::Publish),
        cause: None,
    };
    let enabled = PublisherEnabled {
        publisher,
        version: "1.*".parse().unwrap(),
        cause: None,
    };
    let events = vec![connected.into(), granted.into(), enabled.into()];
    (broker, events)
}

pub(crate) fn credential(version: u32) -> CredentialRef {
    CredentialRef {
        name: "vault/sqs".parse().unwrap(),
        version,
    }
}
