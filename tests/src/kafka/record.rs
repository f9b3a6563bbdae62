//! Records as they are read back, and what groups have committed.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

/// A record read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub key: Option<Bytes>,
    pub headers: BTreeMap<String, Bytes>,
    /// The names of its headers, in order and as often as they are there.
    pub names: Vec<String>,
    pub body: Bytes,
    /// Without one it is a tombstone.
    pub has_body: bool,
}

impl Record {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header as text; empty where it is absent.
    #[must_use]
    pub fn header(&self, name: &str) -> String {
        let value = self.headers.get(name).cloned().unwrap_or_default();
        String::from_utf8_lossy(&value).into_owned()
    }
}

/// Everything in a topic now, by partition and offset, each with its partition.
pub(super) fn read(address: &str, topic: &str) -> Vec<(i32, Record)> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", address)
        .set("group.id", "the tests only assign")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    let patience = Duration::from_secs(30);
    let metadata = consumer.fetch_metadata(Some(topic), patience).unwrap();
    let mut ends = BTreeMap::new();
    let mut assignment = TopicPartitionList::new();
    for partition in metadata.topics()[0].partitions() {
        let (low, high) = consumer
            .fetch_watermarks(topic, partition.id(), patience)
            .unwrap();
        if high > low {
            ends.insert(partition.id(), high);
            let from = Offset::Beginning;
            let added = assignment.add_partition_offset(topic, partition.id(), from);
            added.unwrap();
        }
    }
    consumer.assign(&assignment).unwrap();
    let mut records = Vec::new();
    while !ends.is_empty() {
        let message = consumer.poll(patience).expect("a message in time").unwrap();
        if message.offset() + 1 >= ends.get(&message.partition()).copied().unwrap_or(0) {
            ends.remove(&message.partition());
        }
        records.push((message.partition(), record(&message)));
    }
    records
}

/// Up to where a group has done everything in a topic, by partition.
pub(super) fn committed(address: &str, topic: &str, group: &str) -> BTreeMap<i32, i64> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", address)
        .set("group.id", group)
        .create()
        .unwrap();
    let patience = Duration::from_secs(30);
    let metadata = consumer.fetch_metadata(Some(topic), patience).unwrap();
    let mut partitions = TopicPartitionList::new();
    for partition in metadata.topics()[0].partitions() {
        partitions.add_partition(topic, partition.id());
    }
    let committed = consumer.committed_offsets(partitions, patience).unwrap();
    let committed = committed.elements().into_iter();
    committed
        .filter_map(|partition| match partition.offset() {
            Offset::Offset(offset) => Some((partition.partition(), offset)),
            _ => None,
        })
        .collect()
}

fn record(message: &BorrowedMessage<'_>) -> Record {
    let headers = message.headers().into_iter();
    let headers: Vec<_> = headers.flat_map(|headers| headers.iter()).collect();
    Record {
        key: message.key().map(Bytes::copy_from_slice),
        names: headers.iter().map(|header| header.key.to_owned()).collect(),
        headers: headers
            .into_iter()
            .map(|header| {
                let value = Bytes::copy_from_slice(header.value.unwrap_or_default());
                (header.key.to_owned(), value)
            })
            .collect(),
        body: Bytes::copy_from_slice(message.payload().unwrap_or_default()),
        has_body: message.payload().is_some(),
    }
}
