//! Steps that the contract's functions are made of. Every wait is bounded.

use std::collections::HashMap;
use std::future::Future;
use std::ops::Range;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::try_join_all;

use crate::memory::Memory;
use crate::metadata::Metadata;
use crate::port::{Broker, Delivery, Message, Outgoing, Source, SourceSettings, Start};
use crate::positions::MemoryPositions;

/// More than a group needs to rebalance.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn within<T>(step: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(PATIENCE, step).await;
    done.expect("the step should end within a minute")
}

/// A source of the topic from its beginning, for the test's own group.
pub(super) async fn open(
    broker: &dyn Broker,
    topic: &str,
    group: &str,
    max_unsettled: usize,
) -> Box<dyn Source> {
    open_at(broker, topic, group, max_unsettled, Start::Earliest).await
}

pub(super) async fn open_at(
    broker: &dyn Broker,
    topic: &str,
    group: &str,
    max_unsettled: usize,
    start: Start,
) -> Box<dyn Source> {
    let memory = Memory::default();
    open_within(broker, topic, group, max_unsettled, start, memory).await
}

/// A source whose messages take at most so much memory.
pub(super) async fn open_within(
    broker: &dyn Broker,
    topic: &str,
    group: &str,
    max_unsettled: usize,
    start: Start,
    memory: Memory,
) -> Box<dyn Source> {
    let group = format!("{topic}-{group}");
    let settings = SourceSettings {
        topic: topic.to_owned(),
        positions: positions_of(&group),
        group,
        start,
        max_unsettled,
        memory,
    };
    broker.source(settings).await.expect("a source")
}

/// The positions of a group: all of its sources share them.
pub(super) fn positions_of(group: &str) -> Arc<MemoryPositions> {
    static GROUPS: LazyLock<Mutex<HashMap<String, Arc<MemoryPositions>>>> =
        LazyLock::new(Mutex::default);
    let mut groups = GROUPS.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(groups.entry(group.to_owned()).or_default())
}

/// Writes a message with each number as its body, all at once, and waits until they are there.
pub(super) async fn publish(broker: &dyn Broker, topic: &str, numbers: Range<u32>) {
    let sink = broker.sink().await.expect("a sink");
    let writes = numbers.map(|number| sink.publish(numbered(topic, number)));
    within(try_join_all(writes)).await.expect("published");
}

/// As [`publish`], each under a key of its own, so that the messages spread over all partitions.
pub(super) async fn publish_spread(broker: &dyn Broker, topic: &str, numbers: Range<u32>) {
    let sink = broker.sink().await.expect("a sink");
    let writes = numbers.map(|number| {
        let message = numbered(topic, number);
        sink.publish(Outgoing {
            key: message.body.clone(),
            ..message
        })
    });
    within(try_join_all(writes)).await.expect("published");
}

pub(super) fn numbered(topic: &str, number: u32) -> Outgoing {
    Outgoing {
        topic: topic.to_owned(),
        key: None,
        headers: Vec::new(),
        metadata: Metadata::default(),
        body: Some(Bytes::from(number.to_string())),
    }
}

pub(super) fn number(message: &Message) -> u32 {
    let body = message.body.as_deref().expect("a numbered message");
    let text = std::str::from_utf8(body).expect("a numbered message");
    text.parse().expect("a numbered message")
}

pub(super) async fn receive(source: &mut dyn Source) -> Delivery {
    within(source.recv()).await.expect("a message")
}

/// That many messages, unsettled.
pub(super) async fn receive_many(source: &mut dyn Source, count: usize) -> Vec<Delivery> {
    let mut deliveries = Vec::with_capacity(count);
    for _ in 0..count {
        deliveries.push(receive(source).await);
    }
    deliveries
}

/// The numbers of that many messages, each settled at once.
pub(super) async fn receive_numbers(source: &mut dyn Source, count: usize) -> Vec<u32> {
    let mut numbers = Vec::with_capacity(count);
    for _ in 0..count {
        let delivery = receive(source).await;
        numbers.push(number(&delivery.message));
        delivery.settle();
    }
    numbers
}

/// Whether the source has nothing to hand out for a while. It cannot be known for certain.
pub(super) async fn is_silent(source: &mut dyn Source, wait: Duration) -> bool {
    tokio::time::timeout(wait, source.recv()).await.is_err()
}
