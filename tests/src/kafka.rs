//! The real Kafka of the tests, as a plain client sees it.

use std::collections::BTreeMap;
use std::time::Duration;

use brokers::kafka::{KafkaAdmin, KafkaSettings};
use bytes::Bytes;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use uuid::Uuid;

use crate::wait::eventually;

/// The broker, and topics that no other test knows.
pub struct Kafka {
    /// Where the tests' own clients reach it.
    inside: String,
    /// Where servers reach it.
    address: String,
    prefix: String,
    producer: FutureProducer,
}

/// A record read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub key: Option<Bytes>,
    pub headers: BTreeMap<String, Bytes>,
    pub body: Bytes,
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

impl Kafka {
    /// The broker that the test command started, or the one in the environment.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn from_environment() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "tests take their broker from here"
        )]
        let address = std::env::var("EVENTFLOWS_TEST_KAFKA")
            .expect("EVENTFLOWS_TEST_KAFKA holds the address of a Kafka: `cargo xtask test` does");
        let producer = ClientConfig::new()
            .set("bootstrap.servers", &address)
            .set("linger.ms", "1")
            // The topics decide what is too large.
            .set("message.max.bytes", "16777216")
            .create()
            .unwrap();
        #[expect(clippy::disallowed_methods, reason = "names that no other test has")]
        let prefix = Uuid::new_v4().simple().to_string()[..12].to_owned();
        Self {
            inside: address.clone(),
            address,
            prefix,
            producer,
        }
    }

    /// `host:port`, as servers are told.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Has servers told another address; the tests' own clients keep theirs.
    #[must_use]
    pub fn reached_at(self, address: &str) -> Self {
        Self {
            address: address.to_owned(),
            ..self
        }
    }

    /// The full name of this test's topic `name`.
    #[must_use]
    pub fn topic(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }

    /// Creates this test's topics.
    pub async fn create(&self, topics: &[&str], partitions: i32) {
        let settings = KafkaSettings::new(vec![self.inside.clone()]);
        let admin = KafkaAdmin::new(settings).unwrap();
        for name in topics {
            admin
                .create_topic(&self.topic(name), partitions)
                .await
                .unwrap();
        }
    }

    /// Deletes this test's topic `name`, and waits until it is gone.
    pub async fn delete(&self, name: &str) {
        let topic = self.topic(name);
        let admin = self.admin();
        let deleted = admin.delete_topics(&[&topic], &AdminOptions::new()).await;
        assert!(deleted.unwrap()[0].is_ok());
        eventually("the topic's end", async || {
            let patience = Duration::from_secs(30);
            let metadata = admin.inner().fetch_metadata(None, patience).unwrap();
            let is_there = metadata.topics().iter().any(|one| one.name() == topic);
            (!is_there).then_some(())
        })
        .await;
    }

    /// Gives this test's topic `name` more partitions: so many in all.
    pub async fn widen(&self, name: &str, partitions: i32) {
        let topic = self.topic(name);
        let wider = NewPartitions::new(&topic, usize::try_from(partitions).unwrap());
        let done = self.admin();
        let done = done.create_partitions([&wider], &AdminOptions::new()).await;
        assert!(done.unwrap()[0].is_ok());
        eventually("the producer knows the partitions", async || {
            let client = self.producer.client();
            let metadata = client.fetch_metadata(Some(&topic), Duration::from_secs(30));
            let metadata = metadata.unwrap();
            let known = metadata.topics()[0].partitions().len();
            (known == wider.new_partition_count).then_some(())
        })
        .await;
    }

    /// Waits until a consumer group has no members.
    pub async fn until_abandoned(&self, group: &str) {
        eventually("the group's end", async || {
            let client = self.admin();
            let groups = client
                .inner()
                .fetch_group_list(Some(group), Duration::from_secs(30));
            let groups = groups.unwrap();
            let members: usize = groups.groups().iter().map(|one| one.members().len()).sum();
            (members == 0).then_some(())
        })
        .await;
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", &self.inside);
        client.create().unwrap()
    }

    /// Produces one message to this test's topic `name`.
    pub async fn produce(&self, name: &str, body: &[u8]) {
        self.produce_with(name, None, &[], body).await;
    }

    /// Produces one message with a key and headers.
    pub async fn produce_with(
        &self,
        name: &str,
        key: Option<&str>,
        headers: &[(&str, &str)],
        body: &[u8],
    ) {
        let topic = self.topic(name);
        let headers = headers
            .iter()
            .fold(OwnedHeaders::new(), |all, (key, value)| {
                all.insert(Header {
                    key,
                    value: Some(*value),
                })
            });
        let mut record = FutureRecord::to(&topic).payload(body).headers(headers);
        if let Some(key) = key {
            record = record.key(key);
        }
        let sent = self.producer.send(record, Duration::from_secs(30)).await;
        sent.map_err(|(error, _)| error).unwrap();
    }

    /// Produces one message to a partition; answers its id, `topic/partition/offset`.
    pub async fn produce_to(&self, name: &str, partition: i32, body: &[u8]) -> String {
        let topic = self.topic(name);
        let record = FutureRecord::<(), _>::to(&topic).payload(body);
        let record = record.partition(partition);
        let sent = self.producer.send(record, Duration::from_secs(30)).await;
        let delivery = sent.map_err(|(error, _)| error).unwrap();
        format!("{topic}/{}/{}", delivery.partition, delivery.offset)
    }

    /// Up to where a consumer group has done everything in this test's topic `name`, by partition.
    pub async fn committed(&self, name: &str, group: &str) -> BTreeMap<i32, i64> {
        let (address, topic, group) = (self.inside.clone(), self.topic(name), group.to_owned());
        tokio::task::spawn_blocking(move || committed(&address, &topic, &group))
            .await
            .unwrap()
    }

    /// Waits until this test's topic `name` holds at least `wanted` records, and reads them all.
    /// A decision is in the ledger a moment before what it publishes is in its topic.
    pub async fn until_records(&self, name: &str, wanted: usize) -> Vec<Record> {
        eventually(&format!("{wanted} records in {name}"), async || {
            let records = self.records(name).await;
            (records.len() >= wanted).then_some(records)
        })
        .await
    }

    /// Everything in this test's topic `name` now, by partition and offset.
    pub async fn records(&self, name: &str) -> Vec<Record> {
        let (address, topic) = (self.inside.clone(), self.topic(name));
        tokio::task::spawn_blocking(move || read(&address, &topic))
            .await
            .unwrap()
    }
}

fn read(address: &str, topic: &str) -> Vec<Record> {
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
        records.push(record(&message));
    }
    records
}

fn committed(address: &str, topic: &str, group: &str) -> BTreeMap<i32, i64> {
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
    let headers = message
        .headers()
        .into_iter()
        .flat_map(|headers| headers.iter());
    Record {
        key: message.key().map(Bytes::copy_from_slice),
        headers: headers
            .map(|header| {
                let value = Bytes::copy_from_slice(header.value.unwrap_or_default());
                (header.key.to_owned(), value)
            })
            .collect(),
        body: Bytes::copy_from_slice(message.payload().unwrap_or_default()),
    }
}
