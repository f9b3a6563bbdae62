//! Against the embedded Kafka. Left out, because it is not a whole Kafka: writing to an unknown
//! topic (it creates it), and starting at a time (it looks none up).

use std::sync::Arc;
use std::time::Duration;

use brokers::contract;
use brokers::kafka::{EmbeddedKafka, KafkaBroker, KafkaSettings};
use brokers::positions::MemoryPositions;
use brokers::{Broker, BrokerError, Metadata, Outgoing, SourceSettings, Start, TopicInfo};
use bytes::Bytes;
use futures_util::future::try_join_all;

use super::java;

/// A test for each function of the contract that takes a broker and a topic.
macro_rules! contract {
    ($($claim:ident),* $(,)?) => {$(
        #[tokio::test]
        async fn $claim() {
            let kafka = EmbeddedKafka::start(&[("events", 1)]).unwrap();
            contract::$claim(&KafkaBroker::new(kafka.settings()), "events").await;
        }
    )*};
}

contract! {
    messages_pass_byte_for_byte,
    what_a_message_says_of_itself_passes,
    concurrent_writes_all_arrive,
    what_is_settled_is_not_delivered_again,
    what_is_unsettled_is_delivered_again,
    out_of_order_settlement_redelivers_from_the_first_unsettled,
    a_late_settlement_moves_nothing,
    the_bound_on_unsettled_messages_holds,
    the_budget_of_memory_holds,
    a_held_source_fetches_nothing,
    a_stalled_source_goes_on_when_messages_are_settled,
    two_groups_each_get_everything,
    a_group_can_be_told_what_waits_for_it,
    a_group_can_start_at_the_beginning,
    a_group_can_start_at_the_end,
    a_group_that_started_at_the_end_keeps_its_place,
    topics_are_listed_by_name,
}

#[tokio::test]
async fn sources_of_a_group_share_and_lose_nothing() {
    let kafka = EmbeddedKafka::start(&[("events", 4)]).unwrap();
    let broker = KafkaBroker::new(kafka.settings());
    contract::sources_of_a_group_share_and_lose_nothing(&broker, "events").await;
}

#[tokio::test]
async fn a_stalled_source_reads_partitions_that_come_back() {
    let kafka = EmbeddedKafka::start(&[("events", 4)]).unwrap();
    let broker = KafkaBroker::new(kafka.settings());
    contract::a_stalled_source_reads_partitions_that_come_back(&broker, "events").await;
}

#[tokio::test]
async fn a_stuck_message_stops_its_partition_at_a_bound() {
    let kafka = EmbeddedKafka::start(&[("events", 1)]).unwrap();
    let broker = KafkaBroker::new(kafka.settings());
    let sink = broker.sink().await.unwrap();
    let writes = (0..12_000).map(|_| {
        sink.publish(Outgoing {
            topic: "events".to_owned(),
            key: None,
            headers: Vec::new(),
            metadata: Metadata::default(),
            body: Some(Bytes::from_static(b"body")),
        })
    });
    try_join_all(writes).await.unwrap();
    let settings = SourceSettings {
        topic: "events".to_owned(),
        group: "stuck".to_owned(),
        start: Start::Earliest,
        max_unsettled: 10,
        memory: brokers::Memory::default(),
        positions: Arc::<MemoryPositions>::default(),
    };
    let mut source = broker.source(settings).await.unwrap();
    let stuck = source.recv().await.unwrap();
    // 10,000 are remembered, the stuck one included.
    for _ in 1..10_000 {
        within(source.recv()).await.unwrap().settle();
    }
    let moment = Duration::from_secs(1);
    let beyond = tokio::time::timeout(moment, source.recv()).await;
    assert!(beyond.is_err(), "one more than are remembered");
    stuck.settle();
    for _ in 10_000..12_000 {
        within(source.recv()).await.unwrap().settle();
    }
    source.close().await.unwrap();
}

/// Far longer than a step takes.
async fn within<T>(step: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(Duration::from_secs(60), step).await;
    done.expect("the step should end within a minute")
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused() {
    let kafka = EmbeddedKafka::start(&[("events", 1)]).unwrap();
    let broker = KafkaBroker::new(kafka.settings());
    contract::a_message_that_is_too_large_is_refused(&broker, "events", 33 * 1024 * 1024).await;
}

#[tokio::test]
async fn an_absent_broker_is_unreachable() {
    // A port that was free a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let broker = KafkaBroker::new(KafkaSettings {
        publish_timeout: Duration::from_secs(3),
        ..KafkaSettings::new(vec![address.clone()])
    });
    contract::an_absent_broker_is_unreachable(&broker, &address).await;
}

#[tokio::test]
async fn a_silent_broker_is_unreachable() {
    // Accepts connections in its backlog and answers nothing.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let broker = KafkaBroker::new(KafkaSettings {
        request_timeout: Duration::from_secs(3),
        publish_timeout: Duration::from_secs(3),
        ..KafkaSettings::new(vec![address.clone()])
    });
    contract::an_absent_broker_is_unreachable(&broker, &address).await;
}

#[tokio::test]
async fn topics_come_with_their_partitions() {
    let kafka = EmbeddedKafka::start(&[("b", 2), ("__consumer_offsets", 1)]).unwrap();
    kafka.create_topic("a", 3).unwrap();
    let topics = KafkaBroker::new(kafka.settings()).topics().await;
    let topic = |name: &str, partitions| TopicInfo {
        name: name.to_owned(),
        partitions: Some(partitions),
    };
    assert_eq!(topics, Ok(vec![topic("a", 3), topic("b", 2)]));
}

#[tokio::test]
async fn a_topic_that_begins_with_two_underscores_is_like_any_other() {
    let kafka = EmbeddedKafka::start(&[("__heartbeat.shop", 1)]).unwrap();
    let topics = KafkaBroker::new(kafka.settings()).topics().await.unwrap();
    assert_eq!(topics[0].name, "__heartbeat.shop");
}

#[tokio::test]
async fn keys_go_to_the_partitions_of_javas_clients() {
    let kafka = EmbeddedKafka::start(&[("events", 12)]).unwrap();
    let broker = KafkaBroker::new(kafka.settings());
    java::keys_go_to_its_partitions(&broker, "events").await;
}

#[tokio::test]
async fn a_topic_is_not_created_twice() {
    let kafka = EmbeddedKafka::start(&[("events", 1)]).unwrap();
    let refused = kafka.create_topic("events", 1);
    assert!(matches!(refused, Err(BrokerError::Other(_))), "{refused:?}");
}
