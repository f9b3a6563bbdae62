//! What other producers do that ours do not: batches of every kind, and transactions.
#![expect(
    clippy::unwrap_used,
    reason = "a step that cannot go on has failed, and says where"
)]

use std::sync::Arc;
use std::time::Duration;

use brokers::positions::MemoryPositions;
use brokers::{Broker, Source, SourceSettings, Start};
use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};

use super::real::{address, admin, broker, fresh_topic, unique_name};

/// Far longer than a broker needs for anything here.
const PATIENCE: Duration = Duration::from_secs(60);

fn producer(settings: &[(&str, &str)]) -> FutureProducer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", address());
    for (name, value) in settings {
        config.set(*name, *value);
    }
    config.create().unwrap()
}

/// One that is in a transaction.
fn transactional() -> FutureProducer {
    let producer = producer(&[("transactional.id", &unique_name())]);
    producer.init_transactions(PATIENCE).unwrap();
    producer.begin_transaction().unwrap();
    producer
}

async fn write(producer: &FutureProducer, topic: &str, bodies: &[&str]) {
    for body in bodies {
        let record = FutureRecord::<(), _>::to(topic).payload(*body);
        let sent = producer.send(record, PATIENCE).await;
        sent.map_err(|(error, _)| error).unwrap();
    }
}

async fn open(topic: &str) -> Box<dyn Source> {
    let settings = SourceSettings {
        topic: topic.to_owned(),
        group: unique_name(),
        start: Start::Earliest,
        max_unsettled: 100,
        memory: brokers::Memory::default(),
        positions: Arc::<MemoryPositions>::default(),
    };
    broker().source(settings).await.unwrap()
}

async fn read(source: &mut dyn Source, count: usize) -> Vec<String> {
    let mut bodies = Vec::new();
    while bodies.len() < count {
        let received = tokio::time::timeout(PATIENCE, source.recv()).await;
        let delivery = received.expect("a message in time").unwrap();
        let body = delivery.message.body.clone().unwrap();
        bodies.push(String::from_utf8(body.to_vec()).unwrap());
        delivery.settle();
    }
    bodies
}

#[tokio::test]
async fn batches_are_read_however_they_are_compressed() {
    for codec in ["uncompressed", "gzip", "snappy", "lz4", "zstd"] {
        let topic = unique_name();
        // The broker compresses them again, whatever the producer did.
        let compressed = [("compression.type", codec)];
        let created = admin().create_topic_with(&topic, 1, &compressed).await;
        created.unwrap();
        let body = codec.repeat(200);
        write(&producer(&[]), &topic, &[&body]).await;
        let mut source = open(&topic).await;
        assert_eq!(read(&mut *source, 1).await, [body]);
        source.close().await.unwrap();
    }
}

#[tokio::test]
async fn messages_of_a_transaction_that_was_aborted_are_not_read() {
    let topic = fresh_topic(1).await;
    let producer = transactional();
    write(&producer, &topic, &["committed"]).await;
    producer.commit_transaction(PATIENCE).unwrap();
    producer.begin_transaction().unwrap();
    write(&producer, &topic, &["aborted"]).await;
    producer.abort_transaction(PATIENCE).unwrap();
    producer.begin_transaction().unwrap();
    write(&producer, &topic, &["last"]).await;
    producer.commit_transaction(PATIENCE).unwrap();
    let mut source = open(&topic).await;
    assert_eq!(read(&mut *source, 2).await, ["committed", "last"]);
    source.close().await.unwrap();
}

#[tokio::test]
async fn messages_behind_an_open_transaction_are_read_once_it_has_ended() {
    let topic = fresh_topic(1).await;
    write(&producer(&[]), &topic, &["before"]).await;
    let unfinished = transactional();
    write(&unfinished, &topic, &["open"]).await;
    write(&producer(&[]), &topic, &["behind"]).await;
    let mut source = open(&topic).await;
    assert_eq!(read(&mut *source, 1).await, ["before"]);
    let moment = Duration::from_secs(1);
    let early = tokio::time::timeout(moment, source.recv()).await;
    assert!(early.is_err(), "a message that may still be aborted");
    unfinished.commit_transaction(PATIENCE).unwrap();
    assert_eq!(read(&mut *source, 2).await, ["open", "behind"]);
    source.close().await.unwrap();
}
