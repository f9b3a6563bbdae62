//! The topics that take an algorithm's results.

use domain::grant::Access;
use domain::testing::{
    broker_disconnected, broker_replaced, granted, keys_connected, pattern_granted,
    pattern_revoked, publisher_disabled, publisher_enabled, publisher_of, queues_connected,
    revoked, score, to_acme, to_score, topic_on, version_published, version_withdrawn,
};
use domain::{Assignment, Event, Outputs, PublisherId, TopicId};

use crate::events::flowing;
use crate::fixture::{Fixture, history};

#[tokio::test]
async fn a_publisher_of_the_latest_skips_withdrawn_versions() {
    let mut events = flowing("1.0.0");
    events.extend([
        publisher_enabled("scores", "latest"),
        version_published("acme/score", "1.1.0"),
    ]);
    let fixture = Fixture::after(&events).await;
    assert_eq!(known(&fixture.assigned().await[0]), []);
    events.push(version_withdrawn("acme/score", "1.1.0"));
    fixture.apply(&history(&events)[events.len() - 1..]).await;
    assert_eq!(known(&fixture.assigned().await[0]).len(), 1);
}

#[tokio::test]
async fn an_output_needs_a_grant_of_any_kind() {
    let mut events = flowing("1.0.0");
    let publish = || to_score(Access::Publish);
    events.push(publisher_enabled("scores", "1.*"));
    let fixture = Fixture::after(&events).await;
    let steps: [(Event, usize); 4] = [
        (revoked("scores", publish()), 0),
        (pattern_granted("s*", to_acme(Access::Publish)), 1),
        (pattern_revoked("s*", to_acme(Access::Publish)), 0),
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
    events.push(publisher_enabled("scores", "1.*"));
    events.push(publisher_disabled("scores"));
    let fixture = Fixture::after(&events).await;
    assert_eq!(known(&fixture.assigned().await[0]), []);
}

#[tokio::test]
async fn outputs_on_a_disconnected_broker_are_left_out() {
    let mut events = flowing("1.0.0");
    events.extend(elsewhere());
    let fixture = Fixture::after(&events).await;
    assert_eq!(known(&fixture.assigned().await[0]).len(), 1);
    events.push(broker_disconnected("keys"));
    fixture.apply(&history(&events)[events.len() - 1..]).await;
    assert_eq!(known(&fixture.assigned().await[0]), []);
}

/// A result that was published in between would reach neither broker.
#[tokio::test]
async fn outputs_are_moving_until_a_publisher_has_followed_its_broker() {
    let mut events = flowing("1.0.0");
    events.extend(elsewhere());
    let publishers = async |events: &[Event]| {
        let fixture = Fixture::after(events).await;
        let version = "1.0.0".parse().unwrap();
        let direct = fixture.model.outputs(&score(), &version).await.unwrap();
        let assigned = fixture.assigned().await.remove(0).outputs;
        assert_eq!(assigned, direct, "one rule for listeners and direct runs");
        direct
    };
    let at = |broker| vec![topic_on(broker, "scores")];
    assert_eq!(publishers(&events).await, Outputs::Known(at("keys")));
    events.push(queues_connected("next"));
    events.push(broker_replaced("keys", "next"));
    assert_eq!(publishers(&events).await, Outputs::Moving(at("keys")));

    events.extend(publishing_on("next"));
    assert_eq!(publishers(&events).await, Outputs::Moving(at("next")));
    events.push(publisher_disabled(on("keys")));
    assert_eq!(publishers(&events).await, Outputs::Known(at("next")));
}

/// The outputs of an assignment that says which they are.
pub(crate) fn known(assignment: &Assignment) -> &[TopicId] {
    assignment.outputs.known().expect("no publisher is moving")
}

/// A second broker, `keys`, whose topic takes the results of the algorithm.
pub(crate) fn elsewhere() -> Vec<Event> {
    let mut events = vec![keys_connected("keys")];
    events.extend(publishing_on("keys"));
    events
}

fn publishing_on(broker: &str) -> [Event; 2] {
    [
        granted(topic_on(broker, "scores"), Access::Publish),
        publisher_enabled(on(broker), "1.*"),
    ]
}

/// The publisher to the topic of that name on the broker.
fn on(broker: &str) -> PublisherId {
    publisher_of(score(), topic_on(broker, "scores"))
}
