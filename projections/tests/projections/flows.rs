//! The flows that lead to a node: enough to see the cycles that a flow from it is part of.

use domain::Event;
use domain::flow::Flow;
use domain::testing::{
    dlq_set, listener_enabled, listener_of, publisher_disabled, publisher_enabled, publisher_of,
};

use crate::fixture::Fixture;

fn listens(from: &str, algorithm: &str) -> Event {
    listener_enabled(listener_of(algorithm, from), "latest")
}

fn publishes(algorithm: &str, to: &str) -> Event {
    publisher_enabled(publisher_of(algorithm, to), "latest")
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
    for fixture in Fixture::each_after(&chain()).await {
        let closing = cycle(&fixture, Flow::Publisher(publisher_of("acme/two", "a"))).await;
        let expected = "acme/two → a → acme/one → b → acme/two";
        assert_eq!(closing.as_deref(), Some(expected));
        let closing = cycle(&fixture, Flow::Listener(listener_of("acme/one", "c"))).await;
        let expected = "c → acme/one → b → acme/two → c";
        assert_eq!(closing.as_deref(), Some(expected));
        let straight = cycle(&fixture, Flow::Listener(listener_of("acme/three", "c"))).await;
        assert_eq!(straight, None);
    }
}

#[tokio::test]
async fn dead_letters_lead_on_to_their_queue() {
    let mut events = chain();
    events.push(dlq_set(listener_of("acme/two", "b"), "b-dlq"));
    events.push(listens("b-dlq", "acme/mend"));
    let fixture = Fixture::after(&events).await;
    let closing = cycle(&fixture, Flow::Publisher(publisher_of("acme/mend", "a"))).await;
    let expected = "acme/mend → a → acme/one → b → b-dlq → acme/mend";
    assert_eq!(closing.as_deref(), Some(expected));
    let dead_letters = |dlq: &str| Flow::DeadLetters {
        listener: listener_of("acme/mend", "b-dlq"),
        dlq: dlq.parse().unwrap(),
    };
    let closing = cycle(&fixture, dead_letters("b")).await;
    assert_eq!(closing.as_deref(), Some("b-dlq → b → b-dlq"));
    assert_eq!(cycle(&fixture, dead_letters("c")).await, None);
}

#[tokio::test]
async fn what_is_disabled_closes_no_cycle() {
    let mut events = chain();
    events.push(publisher_disabled(publisher_of("acme/one", "b")));
    let fixture = Fixture::after(&events).await;
    let open = cycle(&fixture, Flow::Listener(listener_of("acme/one", "c"))).await;
    assert_eq!(open, None);
}
