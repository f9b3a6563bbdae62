//! Against a Kafka that runs beside the tests, at the address in `EVENTFLOWS_TEST_KAFKA`. It does
//! not create topics by itself.

use std::sync::Arc;
use std::time::Duration;

use brokers::kafka::{KafkaAdmin, KafkaBroker, KafkaSettings, Watermarks};
use brokers::positions::MemoryPositions;
use brokers::{
    Broker, BrokerError, Delivery, Identity, Metadata, Outgoing, SourceSettings, Start, contract,
};
use uuid::Uuid;

use super::java;

/// A test for each function of the contract that takes a broker and a topic, with the number of
/// partitions of the topic.
macro_rules! contract {
    ($($claim:ident: $partitions:literal),* $(,)?) => {$(
        #[tokio::test]
        async fn $claim() {
            let topic = fresh_topic($partitions).await;
            contract::$claim(&broker(), &topic).await;
        }
    )*};
}

contract! {
    messages_pass_byte_for_byte: 3,
    what_a_message_says_of_itself_passes: 3,
    concurrent_writes_all_arrive: 3,
    what_is_settled_is_not_delivered_again: 3,
    what_is_unsettled_is_delivered_again: 3,
    out_of_order_settlement_redelivers_from_the_first_unsettled: 1,
    a_late_settlement_moves_nothing: 1,
    the_bound_on_unsettled_messages_holds: 3,
    the_budget_of_memory_holds: 1,
    a_held_source_fetches_nothing: 3,
    a_stalled_source_goes_on_when_messages_are_settled: 1,
    a_stalled_source_reads_partitions_that_come_back: 4,
    two_groups_each_get_everything: 3,
    what_was_begun_ends_before_partitions_are_given_away: 4,
    a_group_can_be_told_what_waits_for_it: 1,
    a_group_can_start_at_the_beginning: 3,
    a_group_can_start_at_the_end: 1,
    a_group_that_started_at_the_end_keeps_its_place: 1,
    a_group_can_start_at_a_time: 1,
    sources_of_a_group_share_and_lose_nothing: 4,
    topics_are_listed_by_name: 1,
}

#[tokio::test]
async fn an_unknown_topic_is_refused() {
    contract::an_unknown_topic_is_refused(&broker(), &unique_name()).await;
}

#[tokio::test]
async fn a_message_that_is_too_large_for_the_broker_is_refused() {
    let topic = fresh_topic(1).await;
    contract::a_message_that_is_too_large_is_refused(&broker(), &topic, 2 * 1024 * 1024).await;
}

#[tokio::test]
async fn a_message_that_is_too_large_for_the_client_is_refused() {
    let topic = fresh_topic(1).await;
    contract::a_message_that_is_too_large_is_refused(&broker(), &topic, 33 * 1024 * 1024).await;
}

#[tokio::test]
async fn a_topic_that_takes_more_than_most_gets_more() {
    let topic = unique_name();
    let limit = [("max.message.bytes", "20000000")];
    let created = admin().create_topic_with(&topic, 1, &limit).await;
    created.unwrap();
    let sink = broker().sink().await.unwrap();
    let bytes = 17 * 1024 * 1024;
    let large = Outgoing {
        topic: topic.clone(),
        key: None,
        headers: Vec::new(),
        metadata: Metadata::default(),
        body: Some((0..bytes).map(|n: u64| n.to_le_bytes()[1]).collect()),
    };
    sink.publish(large).await.unwrap();
    assert_eq!(admin().watermarks(&topic).await.unwrap()[0].high, 1);
}

#[tokio::test]
async fn a_message_that_is_too_large_for_the_topics_segments_is_refused() {
    let topic = unique_name();
    let limits = [
        ("max.message.bytes", "4000000"),
        ("segment.bytes", "1048576"),
    ];
    let created = admin().create_topic_with(&topic, 1, &limits).await;
    created.unwrap();
    contract::a_message_that_is_too_large_is_refused(&broker(), &topic, 2 * 1024 * 1024).await;
}

#[tokio::test]
async fn one_that_is_too_large_takes_no_others_along() {
    let topic = unique_name();
    let limit = [("max.message.bytes", "20000")];
    let created = admin().create_topic_with(&topic, 1, &limit).await;
    created.unwrap();
    contract::one_that_is_too_large_takes_no_others_along(&broker(), &topic, 40_000).await;
    assert_eq!(admin().watermarks(&topic).await.unwrap()[0].high, 39);
}

#[tokio::test]
async fn keys_go_to_the_partitions_of_javas_clients() {
    let topic = fresh_topic(12).await;
    java::keys_go_to_its_partitions(&broker(), &topic).await;
}

#[tokio::test]
async fn reading_an_unknown_topic_says_so() {
    let topic = unique_name();
    let settings = SourceSettings {
        topic: topic.clone(),
        group: topic.clone(),
        start: Start::Earliest,
        max_unsettled: 1,
        memory: brokers::Memory::default(),
        positions: Arc::<MemoryPositions>::default(),
    };
    let mut source = broker().source(settings).await.unwrap();
    let received = tokio::time::timeout(Duration::from_secs(30), source.recv()).await;
    let error = received.expect("an answer").unwrap_err();
    assert_eq!(error, BrokerError::NoTopic(topic));
    source.close().await.unwrap();
}

#[tokio::test]
async fn a_partition_that_is_stuck_does_not_hold_the_others() {
    const WINDOW: usize = 10;
    let topic = fresh_topic(4).await;
    let sink = broker().sink().await.unwrap();
    for number in 0..200 {
        let message = Outgoing {
            topic: topic.clone(),
            key: Some(number.to_string().into()),
            headers: Vec::new(),
            metadata: Metadata::default(),
            body: None,
        };
        sink.publish(message).await.unwrap();
    }
    let watermarks = admin().watermarks(&topic).await.unwrap();
    let settings = SourceSettings {
        topic: topic.clone(),
        group: topic.clone(),
        start: Start::Earliest,
        max_unsettled: WINDOW,
        memory: brokers::Memory::default(),
        positions: Arc::<MemoryPositions>::default(),
    };
    let mut source = broker().source(settings).await.unwrap();
    let mut stuck: Vec<Delivery> = Vec::new();
    let mut others = 0;
    loop {
        let received = tokio::time::timeout(Duration::from_secs(30), source.recv()).await;
        let delivery = received.expect("a message of another partition").unwrap();
        let first = stuck.first().unwrap_or(&delivery);
        let slow = partition_of(first);
        if partition_of(&delivery) == slow {
            stuck.push(delivery);
            assert!(stuck.len() <= WINDOW);
        } else {
            delivery.settle();
            others += 1;
        }
        let all = watermarks.iter().enumerate();
        let all = all.filter(|(partition, _)| i32::try_from(*partition).unwrap() != slow);
        if others == all.map(|(_, mark)| mark.high).sum::<i64>() {
            break;
        }
    }
    assert!(stuck.len() >= WINDOW / 2, "{}", stuck.len());
    // It goes on once it is less in the way.
    for delivery in stuck {
        delivery.settle();
    }
    let next = tokio::time::timeout(Duration::from_secs(30), source.recv()).await;
    next.expect("the rest of the partition").unwrap();
    source.close().await.unwrap();
}

fn partition_of(delivery: &Delivery) -> i32 {
    let Identity::Kafka { partition, .. } = delivery.message.identity;
    partition
}

#[tokio::test]
async fn watermarks_tell_how_far_a_topic_reaches() {
    let topic = fresh_topic(2).await;
    contract::concurrent_writes_all_arrive(&broker(), &topic).await;
    let watermarks = admin().watermarks(&topic).await.unwrap();
    assert_eq!(watermarks.len(), 2);
    let count = |mark: &Watermarks| mark.high - mark.low;
    assert_eq!(watermarks.iter().map(count).sum::<i64>(), 500);
}

pub(crate) fn broker() -> KafkaBroker {
    KafkaBroker::new(settings())
}

pub(crate) fn admin() -> KafkaAdmin {
    KafkaAdmin::new(settings()).expect("a client")
}

pub(crate) async fn fresh_topic(partitions: i32) -> String {
    let name = unique_name();
    let created = admin().create_topic(&name, partitions).await;
    created.expect("a topic");
    name
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests share one Kafka and need names of their own"
)]
pub(crate) fn unique_name() -> String {
    format!("test-{}", Uuid::new_v4())
}

fn settings() -> KafkaSettings {
    KafkaSettings::new(vec![address()])
}

#[expect(
    clippy::disallowed_methods,
    reason = "the address of the test's Kafka comes from outside"
)]
pub(crate) fn address() -> String {
    std::env::var("EVENTFLOWS_TEST_KAFKA")
        .expect("EVENTFLOWS_TEST_KAFKA must name a running Kafka; `cargo xtask test` sets it")
}
