//! The flows beyond one: enough to see the cycles it is part of.

use domain::flow::Flow;
use domain::listener::{ListenerEnabled, ListenerSettings, StartPosition};
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
    let flows = fixture.model.flows_beyond(&flow).await.unwrap();
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
