//! The real Kafka of the tests, as a plain client sees it.

mod record;

use std::collections::BTreeMap;
use std::time::Duration;

use brokers::kafka::{KafkaAdmin, KafkaSettings};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use uuid::Uuid;

pub use self::record::Record;

use crate::wait::eventually;

/// The broker, and topics that no other test knows.
pub struct Kafka {
    /// Where the tests' own clients reach it.
    inside: String,
    /// Where servers reach it.
    address: String,
    prefix: String,
    /// The bytes of the largest message that topics take, where it is not what brokers have.
    most: Option<String>,
    producer: FutureProducer,
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
        let producer = producer(&address, &[]);
        #[expect(clippy::disallowed_methods, reason = "names that no other test has")]
        let prefix = Uuid::new_v4().simple().to_string()[..12].to_owned();
        Self {
            inside: address.clone(),
            address,
            prefix,
            most: None,
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

    /// Has the names of its topics begin with that.
    #[must_use]
    pub fn beginning_with(self, beginning: &str) -> Self {
        Self {
            prefix: format!("{beginning}{}", self.prefix),
            ..self
        }
    }

    /// Has topics that are created from now on take messages of up to so many bytes.
    #[must_use]
    pub fn taking(self, bytes: u32) -> Self {
        Self {
            most: Some(bytes.to_string()),
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
        let most = self.most.iter().map(|most| ("max.message.bytes", &**most));
        let most: Vec<_> = most.collect();
        for name in topics {
            let topic = self.topic(name);
            let created = admin.create_topic_with(&topic, partitions, &most);
            created.await.unwrap();
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
        self.until_members(group, 0).await;
    }

    /// Waits until a consumer group has so many members.
    pub async fn until_members(&self, group: &str, wanted: usize) {
        eventually("the members of the group", async || {
            let client = self.admin();
            let groups = client
                .inner()
                .fetch_group_list(Some(group), Duration::from_secs(30));
            let groups = groups.unwrap();
            let members: usize = groups.groups().iter().map(|one| one.members().len()).sum();
            (members == wanted).then_some(())
        })
        .await;
    }

    /// A producer of a test's own with those settings of librdkafka.
    pub fn producer(&self, settings: &[(&str, &str)]) -> FutureProducer {
        producer(&self.inside, settings)
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
        self.produce_record(name, key, headers, Some(body)).await;
    }

    /// Produces one message, which may have no body; answers its partition.
    pub async fn produce_record(
        &self,
        name: &str,
        key: Option<&str>,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> i32 {
        let topic = self.topic(name);
        let headers = headers
            .iter()
            .fold(OwnedHeaders::new(), |all, (key, value)| {
                all.insert(Header {
                    key,
                    value: Some(*value),
                })
            });
        let mut record = FutureRecord::to(&topic).headers(headers);
        if let Some(key) = key {
            record = record.key(key);
        }
        if let Some(body) = body {
            record = record.payload(body);
        }
        let sent = self.producer.send(record, Duration::from_secs(30)).await;
        sent.map_err(|(error, _)| error).unwrap().partition
    }

    /// Writes a record that was read to this test's topic `name`, as it is.
    pub async fn write_back(&self, name: &str, record: &Record) {
        let topic = self.topic(name);
        let headers = record.headers.iter();
        let headers = headers.fold(OwnedHeaders::new(), |all, (key, value)| {
            let value = Some(&value[..]);
            all.insert(Header { key, value })
        });
        let mut again = FutureRecord::<[u8], [u8]>::to(&topic).headers(headers);
        again.key = record.key.as_deref();
        again.payload = record.has_body.then_some(&record.body[..]);
        let sent = self.producer.send(again, Duration::from_secs(30)).await;
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
        tokio::task::spawn_blocking(move || record::committed(&address, &topic, &group))
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
        let placed = self.placed_records(name).await.into_iter();
        placed.map(|(_, record)| record).collect()
    }

    /// The same, each with its partition.
    pub async fn placed_records(&self, name: &str) -> Vec<(i32, Record)> {
        let (address, topic) = (self.inside.clone(), self.topic(name));
        tokio::task::spawn_blocking(move || record::read(&address, &topic))
            .await
            .unwrap()
    }
}

fn producer(address: &str, settings: &[(&str, &str)]) -> FutureProducer {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", address)
        .set("linger.ms", "1")
        // As Java's clients.
        .set("partitioner", "murmur2_random")
        // The topics decide what is too large.
        .set("message.max.bytes", "20000000");
    for (name, value) in settings {
        config.set(*name, *value);
    }
    config.create().unwrap()
}
