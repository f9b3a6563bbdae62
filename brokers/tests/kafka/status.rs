//! What a source says of itself.
#![expect(
    clippy::unwrap_used,
    reason = "a step that cannot go on has failed, and says where"
)]

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use brokers::kafka::KafkaBroker;
use brokers::positions::MemoryPositions;
use brokers::{
    Broker, Metadata, Outgoing, Source, SourceSettings, SourceState, SourceStatus, Start,
};
use bytes::Bytes;
use futures_util::future::select_all;
use tokio::sync::watch;

use super::real::{admin, broker, fresh_topic, unique_name};

/// Far longer than a client needs to see what has become of its broker or its topic.
const PATIENCE: Duration = Duration::from_secs(60);

async fn open(broker: &KafkaBroker, topic: &str) -> Box<dyn Source> {
    let settings = SourceSettings {
        topic: topic.to_owned(),
        group: unique_name(),
        start: Start::Earliest,
        max_unsettled: 2,
        memory: brokers::Memory::default(),
        positions: Arc::<MemoryPositions>::default(),
    };
    broker.source(settings).await.unwrap()
}

type Status = watch::Receiver<SourceStatus>;

/// Waits until the source says what is `wanted`.
async fn until(mut status: Status, wanted: impl Fn(&SourceStatus) -> bool + Send) -> SourceStatus {
    let found = tokio::time::timeout(PATIENCE, status.wait_for(wanted)).await;
    let found = found.map(|found| found.unwrap().clone());
    found.unwrap_or_else(|_| panic!("it says {:?}", *status.borrow()))
}

async fn until_assigned(status: Status, partitions: u32) {
    let wanted = SourceState::Assigned { partitions };
    until(status, |status| status.state == wanted).await;
}

async fn until_behind(status: Status, messages: u64) -> Option<SystemTime> {
    let status = until(status, |status| {
        status.lag.is_some_and(|lag| lag.messages == messages)
    });
    status.await.lag.unwrap().oldest
}

async fn write(broker: &KafkaBroker, topic: &str, count: usize) {
    let sink = broker.sink().await.unwrap();
    for _ in 0..count {
        let outgoing = Outgoing {
            topic: topic.to_owned(),
            key: None,
            headers: Vec::new(),
            metadata: Metadata::default(),
            body: Some(Bytes::from_static(b"body")),
        };
        sink.publish(outgoing).await.unwrap();
    }
}

#[tokio::test]
async fn a_source_says_how_far_it_is_behind_also_while_it_takes_no_more() {
    let topic = fresh_topic(3).await;
    let broker = broker();
    write(&broker, &topic, 5).await;
    let mut source = open(&broker, &topic).await;
    until_assigned(source.status(), 3).await;
    let mut held = vec![source.recv().await.unwrap(), source.recv().await.unwrap()];
    let sent = held.iter().map(|delivery| delivery.message.timestamp);
    let first = sent.min().unwrap();
    let oldest = until(source.status(), |status| {
        status.lag.is_some_and(|lag| lag.oldest == first)
    });
    assert_eq!(oldest.await.lag.unwrap().messages, 5);
    // It is full, and what is written now is not read.
    write(&broker, &topic, 2).await;
    until_behind(source.status(), 7).await;
    held.drain(..).for_each(brokers::Delivery::settle);
    for _ in 0..5 {
        source.recv().await.unwrap().settle();
    }
    assert_eq!(until_behind(source.status(), 0).await, None);
    source.close().await.unwrap();
}

#[tokio::test]
async fn members_of_a_group_share_its_partitions() {
    let topic = fresh_topic(3).await;
    let broker = broker();
    let settings = SourceSettings {
        topic: topic.clone(),
        group: unique_name(),
        start: Start::Earliest,
        max_unsettled: 2,
        memory: brokers::Memory::default(),
        positions: Arc::<MemoryPositions>::default(),
    };
    let mut sources = Vec::new();
    for _ in 0..4 {
        sources.push(broker.source(settings.clone()).await.unwrap());
    }
    let mut statuses: Vec<_> = sources.iter().map(|source| source.status()).collect();
    let shared = async {
        loop {
            let states = statuses.iter_mut().map(|status| status.borrow_and_update());
            let counts = states.filter_map(|status| match status.state {
                SourceState::Assigned { partitions } => Some(partitions),
                _ => None,
            });
            let mut counts: Vec<u32> = counts.collect();
            counts.sort_unstable();
            if counts == [0, 1, 1, 1] {
                return;
            }
            let changes = statuses.iter_mut().map(|status| Box::pin(status.changed()));
            select_all(changes).await.0.unwrap();
        }
    };
    tokio::time::timeout(PATIENCE, shared).await.unwrap();
}

#[tokio::test]
async fn a_topic_that_is_deleted_is_missing_until_it_is_there_again() {
    let topic = fresh_topic(2).await;
    let broker = broker();
    let source = open(&broker, &topic).await;
    until_assigned(source.status(), 2).await;
    admin().delete_topic(&topic).await.unwrap();
    until(source.status(), |status| {
        status.state == SourceState::TopicMissing
    })
    .await;
    admin().create_topic(&topic, 2).await.unwrap();
    until_assigned(source.status(), 2).await;
}

#[tokio::test]
async fn a_topic_that_was_never_there_is_missing() {
    let source = open(&broker(), &unique_name()).await;
    until(source.status(), |status| {
        status.state == SourceState::TopicMissing
    })
    .await;
}
