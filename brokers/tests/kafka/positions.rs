//! Where a source goes on when its log, its group or its topic is not what it was.
#![expect(
    clippy::unwrap_used,
    reason = "a step that cannot go on has failed, and says where"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use brokers::positions::{MemoryPositions, Positions, Standing};
use brokers::{Broker, Message, Metadata, Outgoing, Source, SourceSettings, Start};
use bytes::Bytes;

use super::real::{admin, broker, fresh_topic, unique_name};

/// Far longer than a group needs to rebalance, or to notice that a topic has changed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A reader of a topic, through everything that happens to its sources.
struct Reader {
    topic: String,
    group: String,
    start: Start,
    positions: Arc<MemoryPositions>,
}

impl Reader {
    fn of(topic: &str, start: Start) -> Self {
        Self {
            topic: topic.to_owned(),
            group: unique_name(),
            start,
            positions: Arc::default(),
        }
    }

    async fn open(&self) -> Box<dyn Source> {
        let settings = SourceSettings {
            topic: self.topic.clone(),
            group: self.group.clone(),
            start: self.start.clone(),
            max_unsettled: 100,
            memory: brokers::Memory::default(),
            positions: self.positions.clone(),
        };
        broker().source(settings).await.unwrap()
    }

    /// Reads and settles messages, and remembers the last of each partition.
    async fn read(&self, source: &mut dyn Source, count: usize) -> BTreeSet<String> {
        let mut bodies = BTreeSet::new();
        while bodies.len() < count {
            let received = tokio::time::timeout(PATIENCE, source.recv()).await;
            let delivery = match received.expect("a message in time") {
                Ok(delivery) => delivery,
                // While the topic is away.
                Err(_) => continue,
            };
            let (partition, offset) = place(&delivery.message);
            let body = delivery.message.body.clone().unwrap_or_default();
            bodies.insert(text(&body));
            let sent_at = millis(&delivery.message);
            delivery.settle();
            self.positions.remember(partition, offset, &body, sent_at);
        }
        bodies
    }

    /// Reads so many messages with a source of their own.
    async fn read_once(&self, count: usize) -> BTreeSet<String> {
        let mut source = self.open().await;
        let bodies = self.read(&mut *source, count).await;
        source.close().await.unwrap();
        bodies
    }

    /// Reads and settles messages; answers where each of them stands, too.
    async fn read_places(
        &self,
        source: &mut dyn Source,
        count: usize,
    ) -> (BTreeSet<String>, BTreeMap<(i32, i64), String>) {
        let mut places = BTreeMap::new();
        while places.len() < count {
            let received = tokio::time::timeout(PATIENCE, source.recv()).await;
            let delivery = received.expect("a message in time").unwrap();
            let body = delivery.message.body.clone().unwrap_or_default();
            places.insert(place(&delivery.message), text(&body));
            delivery.settle();
        }
        (places.values().cloned().collect(), places)
    }

    /// Joins the topic, and leaves without having read anything.
    async fn join(&self) {
        self.join_since(0).await;
    }

    /// The same after that reset.
    async fn join_since(&self, reset: u64) {
        let mut source = self.open().await;
        let joined = async {
            let is_since = |standing: &Standing| standing.reset == reset;
            while !self.positions.load().await.unwrap().iter().any(is_since) {
                let moment = Duration::from_millis(20);
                let _ = tokio::time::timeout(moment, source.recv()).await;
            }
        };
        tokio::time::timeout(PATIENCE, joined)
            .await
            .expect("a position in time");
        source.close().await.unwrap();
    }

    async fn incarnations(&self) -> Vec<u32> {
        let mut standings = self.positions.load().await.unwrap();
        standings.sort_by_key(|standing| standing.partition);
        standings
            .iter()
            .map(|standing| standing.incarnation)
            .collect()
    }
}

fn place(message: &Message) -> (i32, i64) {
    match &message.identity {
        brokers::Identity::Kafka {
            partition, offset, ..
        } => (*partition, *offset),
    }
}

fn millis(message: &Message) -> Option<i64> {
    let since = message
        .timestamp?
        .duration_since(std::time::SystemTime::UNIX_EPOCH);
    since.unwrap().as_millis().try_into().ok()
}

fn text(body: &Bytes) -> String {
    String::from_utf8(body.to_vec()).unwrap()
}

async fn write(topic: &str, prefix: &str, count: usize) -> BTreeSet<String> {
    let sink = broker().sink().await.unwrap();
    let mut bodies = BTreeSet::new();
    for number in 0..count {
        let body = format!("{prefix}-{number}");
        let key = Bytes::from(body.clone());
        let outgoing = Outgoing {
            topic: topic.to_owned(),
            key: Some(key.clone()),
            headers: Vec::new(),
            metadata: Metadata::default(),
            body: Some(key),
        };
        sink.publish(outgoing).await.unwrap();
        bodies.insert(body);
    }
    bodies
}

#[tokio::test]
async fn a_partition_that_is_added_later_is_read_whole_wherever_the_source_began() {
    let topic = fresh_topic(1).await;
    write(&topic, "before", 5).await;
    let reader = Reader::of(&topic, Start::Latest);
    reader.join().await;
    admin().add_partitions(&topic, 4).await.unwrap();
    // Nobody has seen the new partitions when these are written.
    let written = write(&topic, "after", 60).await;
    assert_eq!(reader.read_once(60).await, written);
    assert_eq!(reader.incarnations().await, [0; 4]);
}

#[tokio::test]
async fn messages_that_are_deleted_before_they_are_read_are_the_only_ones_that_are_missed() {
    let topic = fresh_topic(1).await;
    write(&topic, "read", 10).await;
    let reader = Reader::of(&topic, Start::Latest);
    reader.join().await;
    write(&topic, "lost", 20).await;
    let kept = write(&topic, "kept", 7).await;
    admin().delete_before(&topic, 0, 30).await.unwrap();
    assert_eq!(reader.read_once(7).await, kept);
}

#[tokio::test]
async fn a_running_source_whose_position_is_deleted_goes_on_with_what_is_kept() {
    let topic = fresh_topic(1).await;
    let reader = Reader::of(&topic, Start::Earliest);
    let mut source = reader.open().await;
    let first = write(&topic, "first", 3).await;
    assert_eq!(reader.read(&mut *source, 3).await, first);
    source.close().await.unwrap();
    write(&topic, "lost", 10).await;
    let kept = write(&topic, "kept", 4).await;
    admin().delete_before(&topic, 0, 13).await.unwrap();
    assert_eq!(reader.read_once(4).await, kept);
    assert_eq!(reader.incarnations().await, [0]);
}

#[tokio::test]
async fn a_topic_that_is_created_again_is_read_whole() {
    // Fewer messages than were read before, as many, and more.
    for count in [4, 10, 25] {
        let topic = fresh_topic(1).await;
        let reader = Reader::of(&topic, Start::Earliest);
        let old = write(&topic, "old", 10).await;
        assert_eq!(reader.read_once(10).await, old);
        admin().delete_topic(&topic).await.unwrap();
        admin().create_topic(&topic, 1).await.unwrap();
        let new = write(&topic, "new", count).await;
        assert_eq!(reader.read_once(count).await, new, "{count}");
        assert_eq!(reader.incarnations().await, [1], "{count}");
    }
}

#[tokio::test]
async fn a_group_that_the_broker_has_forgotten_goes_on_where_it_stood() {
    for start in [Start::Earliest, Start::Latest] {
        let topic = fresh_topic(1).await;
        let reader = Reader::of(&topic, start);
        reader.join().await;
        let first = write(&topic, "first", 5).await;
        assert_eq!(reader.read_once(5).await, first);
        admin().delete_group(&reader.group).await.unwrap();
        let second = write(&topic, "second", 5).await;
        assert_eq!(reader.read_once(5).await, second);
    }
}

#[tokio::test]
async fn a_group_that_other_tools_have_moved_is_not_followed() {
    let topic = fresh_topic(1).await;
    let reader = Reader::of(&topic, Start::Earliest);
    let first = write(&topic, "first", 5).await;
    assert_eq!(reader.read_once(5).await, first);
    let second = write(&topic, "second", 5).await;
    for offset in [0, 10] {
        admin()
            .move_group(&reader.group, &topic, 0, offset)
            .unwrap();
    }
    assert_eq!(reader.read_once(5).await, second);
}

#[tokio::test]
async fn another_reader_of_the_group_goes_on_where_the_first_one_stood() {
    // One that has a journal of its own.
    let topic = fresh_topic(1).await;
    let one = Reader::of(&topic, Start::Earliest);
    let first = write(&topic, "first", 5).await;
    assert_eq!(one.read_once(5).await, first);
    let other = Reader {
        positions: Arc::default(),
        topic: topic.clone(),
        group: one.group.clone(),
        start: Start::Latest,
    };
    let second = write(&topic, "second", 5).await;
    assert_eq!(other.read_once(5).await, second);
    let third = write(&topic, "third", 5).await;
    assert_eq!(one.read_once(5).await, third);
}

#[tokio::test]
async fn a_topic_that_is_created_again_under_a_running_source_is_read_whole() {
    for count in [4, 10, 25] {
        let topic = fresh_topic(4).await;
        let reader = Reader::of(&topic, Start::Earliest);
        let mut source = reader.open().await;
        let old = write(&topic, "old", 10).await;
        assert_eq!(reader.read(&mut *source, 10).await, old);
        admin().delete_topic(&topic).await.unwrap();
        admin().create_topic(&topic, 4).await.unwrap();
        let new = write(&topic, "new", count).await;
        assert_eq!(reader.read(&mut *source, count).await, new, "{count}");
        source.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_source_goes_on_where_it_was_reset_to_and_then_from_its_position() {
    for (to, again) in [
        (Start::Earliest, 0..10),
        (Start::Latest, 10..10),
        (Start::Offsets(Arc::new([(0, 7)].into())), 7..10),
        // What there is not is the next that there is.
        (Start::Offsets(Arc::new([(0, 99)].into())), 10..10),
    ] {
        let topic = fresh_topic(1).await;
        let mut reader = Reader::of(&topic, Start::Earliest);
        let old = write(&topic, "old", 10).await;
        assert_eq!(reader.read_once(10).await, old);
        reader.start = to.clone();
        reader.positions.reset_to(7);
        reader.join_since(7).await;
        let mut wanted: BTreeSet<_> = again.map(|number| format!("old-{number}")).collect();
        wanted.append(&mut write(&topic, "new", 3).await);
        assert_eq!(reader.read_once(wanted.len()).await, wanted, "{to:?}");
        let newest = write(&topic, "newest", 2).await;
        assert_eq!(reader.read_once(2).await, newest, "{to:?}");
        assert_eq!(reader.incarnations().await, [1], "{to:?}");
    }
}

#[tokio::test]
async fn partitions_whose_offsets_are_not_given_stay_where_they_stood() {
    let topic = fresh_topic(4).await;
    let mut reader = Reader::of(&topic, Start::Earliest);
    let old = write(&topic, "old", 40).await;
    let mut source = reader.open().await;
    let (read, places) = reader.read_places(&mut *source, 40).await;
    assert_eq!(read, old);
    source.close().await.unwrap();
    reader.start = Start::Offsets(Arc::new([(2, 1)].into()));
    reader.positions.reset_to(7);
    let mut wanted: BTreeSet<_> = places
        .into_iter()
        .filter(|((partition, offset), _)| *partition == 2 && *offset >= 1)
        .map(|(_, body)| body)
        .collect();
    wanted.append(&mut write(&topic, "new", 12).await);
    assert_eq!(reader.read_once(wanted.len()).await, wanted);
    assert_eq!(reader.incarnations().await, [0, 0, 1, 0]);
}

#[tokio::test]
async fn another_reader_of_the_group_follows_what_was_committed_since_the_reset_alone() {
    // One that has a journal of its own.
    let topic = fresh_topic(1).await;
    let mut one = Reader::of(&topic, Start::Earliest);
    let old = write(&topic, "old", 5).await;
    assert_eq!(one.read_once(5).await, old);
    let other = || Reader {
        positions: Arc::default(),
        topic: topic.clone(),
        group: one.group.clone(),
        start: Start::Earliest,
    };
    let fresh = other();
    fresh.positions.reset_to(7);
    assert_eq!(fresh.read_once(5).await, old);
    let new = write(&topic, "new", 5).await;
    let late = other();
    late.positions.reset_to(7);
    assert_eq!(late.read_once(5).await, new);
    one.positions.reset_to(7);
    one.start = Start::Latest;
    let newest = write(&topic, "newest", 5).await;
    assert_eq!(one.read_once(5).await, newest);
}
