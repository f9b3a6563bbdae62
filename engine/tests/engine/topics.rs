//! The topics of a large broker.

use domain::broker::{Broker, ConnectBroker, DiscoverTopics, DiscoveredTopic};
use domain::testing::{broker_id, kafka};
use domain::{CommandId, State, codec};
use engine::connect::NewBroker;
use engine::{Accepted, Outcome, Request};

use crate::cluster::{Cluster, request};

const MANY: usize = 16_000;

/// So many topics with long names, of which the last ones differ.
fn topics(partitions: u32) -> Vec<DiscoveredTopic> {
    let topic = |number| DiscoveredTopic {
        name: format!("{number:0>100}").parse().unwrap(),
        partitions: Some(if number < MANY - 10 { 1 } else { partitions }),
    };
    (0..MANY).map(topic).collect()
}

fn new() -> NewBroker {
    NewBroker {
        name: "main".parse().unwrap(),
        settings: kafka(),
        probe: Ok(topics(1)),
    }
}

/// The broker as the log tells it, and how many events and the largest payload there are.
async fn told(cluster: &Cluster) -> (Broker, usize, usize) {
    let events = cluster.events().await;
    let mut broker = Broker::default();
    for event in &events {
        broker.apply(&codec::decode(event).unwrap());
    }
    let largest = events.iter().map(|event| event.payload.len()).max();
    (broker, events.len(), largest.unwrap())
}

fn accepted(outcome: Outcome) -> Accepted {
    match outcome {
        Outcome::Accepted(accepted) => accepted,
        refused => panic!("{refused:?}"),
    }
}

#[tokio::test]
async fn a_broker_with_any_number_of_topics_is_connected_and_discovered_again() {
    let cluster = Cluster::empty().await;
    let key = request("connect", [1; 32]);
    let (id, outcome) = cluster.engine.connect(new(), &key).await.unwrap();
    let connected = accepted(outcome);
    let (broker, events, largest) = told(&cluster).await;
    assert_eq!(broker.topics.len(), MANY);
    assert!(largest <= 256 * 1024, "{largest}");
    // The request is done once all of them are recorded, and is not done again.
    assert_eq!(
        connected.position,
        cluster.events().await.last().unwrap().position
    );
    let before = cluster.engine.done_before(&key).await.unwrap();
    assert_eq!(before.map(accepted), Some(connected));

    let discover = |partitions| DiscoverTopics {
        broker: id,
        probe: Ok(topics(partitions)),
    };
    accepted(
        cluster
            .engine
            .discover(&discover(3), &cluster.request())
            .await
            .unwrap(),
    );
    let (broker, more, _) = told(&cluster).await;
    assert_eq!(more, events + 1, "only what differs is recorded");
    assert_eq!(
        broker
            .topics
            .values()
            .filter(|t| t.partitions == Some(3))
            .count(),
        10
    );
    let none = DiscoverTopics {
        broker: id,
        probe: Ok(Vec::new()),
    };
    accepted(
        cluster
            .engine
            .discover(&none, &cluster.request())
            .await
            .unwrap(),
    );
    assert_eq!(told(&cluster).await.0.topics.len(), 0);
}

#[tokio::test]
async fn an_interrupted_connection_continues_with_the_topics_that_are_found_then() {
    let cluster = Cluster::empty().await;
    let key = request("connect", [1; 32]);
    let NewBroker {
        name,
        settings,
        probe,
    } = new();
    let broker = broker_id("main");
    let connect = ConnectBroker {
        broker,
        name,
        settings,
        probe,
    };
    // Its first append, after which the process ended.
    let first = Request {
        command: CommandId::part(key.command, u32::MAX),
        ..key.clone()
    };
    accepted(cluster.engine.execute(&connect, &first).await.unwrap());
    let fewer = NewBroker {
        probe: Ok(topics(1)[..10].to_vec()),
        ..new()
    };
    let (id, outcome) = cluster.engine.connect(fewer, &key).await.unwrap();
    assert_eq!(id, broker);
    accepted(outcome);
    assert_eq!(told(&cluster).await.0.topics.len(), 10);
}

#[tokio::test]
async fn an_interrupted_discovery_continues_when_it_is_repeated() {
    let cluster = Cluster::empty().await;
    let id = broker_id("main");
    let some = NewBroker {
        probe: Ok(Vec::new()),
        ..new()
    };
    accepted(
        cluster
            .engine
            .connect(some, &cluster.request())
            .await
            .unwrap()
            .1,
    );
    let discover = DiscoverTopics {
        broker: id,
        probe: Ok(topics(1)),
    };
    // Its first append, after which the process ended.
    accepted(
        cluster
            .engine
            .execute(&discover, &cluster.request())
            .await
            .unwrap(),
    );
    let (broker, ..) = told(&cluster).await;
    assert!((1..MANY).contains(&broker.topics.len()));
    let key = request("discover", [1; 32]);
    assert_eq!(cluster.engine.done_before(&key).await.unwrap(), None);
    accepted(cluster.engine.discover(&discover, &key).await.unwrap());
    assert_eq!(told(&cluster).await.0.topics.len(), MANY);
}
