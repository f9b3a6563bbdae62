//! The flows that lead to a node: enough to see the cycles that a flow from it is part of.

use domain::flow::Flow;
use domain::listener::{DlqSet, ListenerEnabled, ListenerSettings, StartPosition};
use domain::publisher::{PublisherDisabled, PublisherEnabled};
use domain::{Event, ListenerId, PublisherId};

use crate::events::topic;
use crate::fixture::Fixture;

fn reads(from: &str, algorithm: &str) -> ListenerId {
    ListenerId {
        topic: topic(from),
        algorithm: algorithm.parse().unwrap(),
    }
}

fn writes(algorithm: &str, to: &str) -> PublisherId {
    PublisherId {
        topic: topic(to),
        algorithm: algorithm.parse().unwrap(),
    }
}

fn listens(from: &str, algorithm: &str) -> Event {
    ListenerEnabled {
        listener: reads(from, algorithm),
        version: "latest".parse().unwrap(),
        settings: ListenerSettings::starting(StartPosition::Earliest),
        cause: None,
    }
    .into()
}

fn publishes(algorithm: &str, to: &str) -> Event {
    PublisherEnabled {
        publisher: writes(algorithm, to),
        version: "latest".parse().unwrap(),
        cause: None,
    }
    .into()
}

/// a → one → b → two → c
fn chain() -> Vec<Event> {
    vec![
        listens("a", "acme/one"),
        publishes("acme/one", "b"),
        listens("b", "acme/two"),
        publishes("acme/two", "c"),
    ]
}

async fn cycle(fixture: &Fixture, flow: Flow) -> Option<String> {
    let flows = fixture.model.flows_leading_to(&flow.from()).await.unwrap();
    flows.cycle(&flow).map(|cycle| cycle.to_string())
}

#[tokio::test]
async fn a_cycle_through_other_algorithms_is_seen_from_both_of_its_kinds_of_flow() {
    let fixture = Fixture::after(&chain()).await;
    let closing = cycle(&fixture, Flow::Publisher(writes("acme/two", "a"))).await;
    let expected = "acme/two → a → acme/one → b → acme/two";
    assert_eq!(closing.as_deref(), Some(expected));
    let closing = cycle(&fixture, Flow::Listener(reads("c", "acme/one"))).await;
    let expected = "c → acme/one → b → acme/two → c";
    assert_eq!(closing.as_deref(), Some(expected));
    let straight = cycle(&fixture, Flow::Listener(reads("c", "acme/three"))).await;
    assert_eq!(straight, None);
}

#[tokio::test]
async fn dead_letters_lead_on_to_their_queue() {
    let mut events = chain();
    events.push(
        DlqSet {
            listener: reads("b", "acme/two"),
            dlq: "b-dlq".parse().unwrap(),
        }
        .into(),
    );
    events.push(listens("b-dlq", "acme/mend"));
    let fixture = Fixture::after(&events).await;
    let closing = cycle(&fixture, Flow::Publisher(writes("acme/mend", "a"))).await;
    let expected = "acme/mend → a → acme/one → b → b-dlq → acme/mend";
    assert_eq!(closing.as_deref(), Some(expected));
    let dead_letters = |dlq: &str| Flow::DeadLetters {
        listener: reads("b-dlq", "acme/mend"),
        dlq: dlq.parse().unwrap(),
    };
    let closing = cycle(&fixture, dead_letters("b")).await;
    assert_eq!(closing.as_deref(), Some("b-dlq → b → b-dlq"));
    assert_eq!(cycle(&fixture, dead_letters("c")).await, None);
}

#[tokio::test]
async fn what_is_disabled_closes_no_cycle() {
    let mut events = chain();
    events.push(
        PublisherDisabled {
            publisher: writes("acme/one", "b"),
            cause: None,
        }
        .into(),
    );
    let fixture = Fixture::after(&events).await;
    let open = cycle(&fixture, Flow::Listener(reads("c", "acme/one"))).await;
    assert_eq!(open, None);
}
