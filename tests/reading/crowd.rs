//! Events that leave so many of everything behind.

use domain::grant::Access;
use domain::organization::{MemberAdded, Role};
use domain::publisher::PublisherDisabled;
use domain::testing::{
    algorithm_registered, dlq_set, granted, joined, listener_enabled, listener_of,
    organization_created, pattern_granted_on, publisher_enabled, publisher_of, queues_connected,
    to_algorithm, to_organization, topic_on, topics_gained, version_published,
};
use domain::worker::ConsumerStarted;
use domain::{AlgorithmId, CommandId, Event, EventId, PublisherId, TopicId, WorkerId};
use uuid::Uuid;

/// So many organizations, each with an algorithm, a broker and a worker of its own.
pub(crate) fn crowd(count: usize) -> Vec<Event> {
    (0..count).flat_map(one).collect()
}

fn one(number: usize) -> Vec<Event> {
    let mut events = algorithm(number);
    events.extend(broker(number));
    events.extend(flow(number));
    // The event before the policy's is its cause: each is a command of its own, by its number.
    let cause = number * (events.len() + 1) + events.len();
    let publisher = publisher(number);
    let cause = Some(EventId::of_command(
        CommandId(Uuid::from_u128(cause as u128)),
        0,
    ));
    events.push(PublisherDisabled { publisher, cause }.into());
    events
}

fn algorithm_id(number: usize) -> AlgorithmId {
    format!("org-{number:02}/score").parse().unwrap()
}

fn broker_name(number: usize) -> String {
    format!("broker-{number:02}")
}

fn topic(number: usize, name: &str) -> TopicId {
    topic_on(&broker_name(number), name)
}

fn publisher(number: usize) -> PublisherId {
    publisher_of(algorithm_id(number), topic(number, "scores"))
}

fn algorithm(number: usize) -> Vec<Event> {
    let algorithm = algorithm_id(number);
    let added = MemberAdded {
        organization: algorithm.organization.clone(),
        member: "ann".parse().unwrap(),
        role: Role::Owner,
    };
    vec![
        organization_created(algorithm.organization.as_str()),
        added.into(),
        algorithm_registered(&algorithm),
        version_published(&algorithm, "1.0.0"),
    ]
}

fn broker(number: usize) -> Vec<Event> {
    let name = broker_name(number);
    let organization = algorithm_id(number).organization;
    let to_all = to_organization(organization.as_str(), Access::Publish);
    vec![
        queues_connected(&name),
        topics_gained(&name, &["orders", "scores", "orders-dlq"]),
        pattern_granted_on(&name, "*", to_all),
    ]
}

fn flow(number: usize) -> Vec<Event> {
    let (algorithm, orders) = (algorithm_id(number), topic(number, "orders"));
    let listener = listener_of(&algorithm, &orders);
    let worker = WorkerId(Uuid::from_u128(number as u128 + 1));
    vec![
        granted(&orders, to_algorithm(&algorithm, Access::Subscribe)),
        listener_enabled(&listener, "1.0.0"),
        dlq_set(&listener, "orders-dlq"),
        publisher_enabled(publisher(number), "1.0.0"),
        joined(worker),
        ConsumerStarted { worker, listener }.into(),
    ]
}
