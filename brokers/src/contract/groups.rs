//! Where groups begin, and how their sources share.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, SystemTime};

use super::tools::{
    number, numbered, open, open_at, publish, publish_spread, receive, receive_many,
    receive_numbers, within,
};
use crate::port::{Backlog, Broker, Delivery, Identity, Source, Start};

/// How often the tests write until a source that starts at the end has found that end.
const ATTEMPTS: u32 = 300;
const PAUSE: Duration = Duration::from_millis(100);

/// Two groups do not take from each other.
pub async fn two_groups_each_get_everything(broker: &dyn Broker, topic: &str) {
    publish(broker, topic, 0..20).await;
    let mut one = open(broker, topic, "one", 100).await;
    let mut two = open(broker, topic, "two", 100).await;
    for source in [&mut one, &mut two] {
        let mut read = receive_numbers(&mut **source, 20).await;
        read.sort_unstable();
        assert_eq!(read, (0..20).collect::<Vec<_>>());
    }
    within(one.close()).await.expect("closed");
    within(two.close()).await.expect("closed");
}

/// What was begun when partitions are given to another source ends first, and is not delivered there.
/// The topic has four partitions or so.
pub async fn what_was_begun_ends_before_partitions_are_given_away(
    broker: &dyn Broker,
    topic: &str,
) {
    const MESSAGES: u32 = 80;
    publish_spread(broker, topic, 0..MESSAGES).await;
    let mut one = open(broker, topic, "drain", 1000).await;
    let all = receive_many(&mut *one, MESSAGES as usize).await;
    // The last of each partition is not begun: it tells when partitions are about to leave.
    let mut last = HashMap::new();
    let mut begun = Vec::new();
    for delivery in all {
        let Identity::Kafka { partition, .. } = delivery.message.identity;
        begun.extend(last.insert(partition, delivery));
    }
    assert!(begun.iter().all(Delivery::begin));
    let mut two = open(broker, topic, "drain", 1000).await;
    within(async {
        while !last.values().any(Delivery::is_lost) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    assert!(!begun.iter().any(Delivery::is_lost));
    assert!(
        !last
            .values()
            .filter(|one| one.is_lost())
            .any(Delivery::begin)
    );
    for delivery in begun {
        delivery.settle();
    }
    let leaving: BTreeSet<u32> = last.values().map(|one| number(&one.message)).collect();
    publish_spread(broker, topic, MESSAGES..2 * MESSAGES).await;
    let mut is_new = false;
    while !is_new {
        let next = number(&receive(&mut *two).await.message);
        is_new = next >= MESSAGES;
        assert!(
            is_new || leaving.contains(&next),
            "{next} was settled in time"
        );
    }
    within(two.close()).await.expect("closed");
    within(one.close()).await.expect("closed");
}

/// [`Start::Earliest`] reads what was there before.
pub async fn a_group_can_start_at_the_beginning(broker: &dyn Broker, topic: &str) {
    publish(broker, topic, 0..3).await;
    let mut source = open(broker, topic, "earliest", 100).await;
    let mut read = receive_numbers(&mut *source, 3).await;
    read.sort_unstable();
    assert_eq!(read, [0, 1, 2]);
    within(source.close()).await.expect("closed");
}

/// [`Start::Latest`] leaves out what was there before, and nothing after it. The topic has one
/// partition.
pub async fn a_group_can_start_at_the_end(broker: &dyn Broker, topic: &str) {
    publish(broker, topic, 0..3).await;
    let mut source = open_at(broker, topic, "latest", 100, Start::Latest).await;
    let delivery = write_until_read(broker, topic, &mut *source, 3).await;
    let first = number(&delivery.message);
    delivery.settle();
    assert!(first >= 3, "{first} was there before");
    publish(broker, topic, 1000..1001).await;
    let mut expected = first + 1;
    loop {
        let read = receive_numbers(&mut *source, 1).await[0];
        if read == 1000 {
            break;
        }
        assert_eq!(read, expected);
        expected += 1;
    }
    within(source.close()).await.expect("closed");
}

/// A group that has joined at the end and settled nothing begins there again, so nothing of what is
/// written while it is away is missed. The topic has one partition.
pub async fn a_group_that_started_at_the_end_keeps_its_place(broker: &dyn Broker, topic: &str) {
    publish(broker, topic, 0..1).await;
    let mut source = open_at(broker, topic, "place", 100, Start::Latest).await;
    let first = write_until_read(broker, topic, &mut *source, 1).await;
    let place = number(&first.message);
    within(source.close()).await.expect("closed");

    publish(broker, topic, 1000..1001).await;
    let mut source = open_at(broker, topic, "place", 100, Start::Latest).await;
    assert_eq!(receive_numbers(&mut *source, 1).await, [place]);
    within(source.close()).await.expect("closed");
}

/// [`Start::At`] reads from the first message of that time on. The topic has one partition.
pub async fn a_group_can_start_at_a_time(broker: &dyn Broker, topic: &str) {
    publish(broker, topic, 0..1).await;
    let mut source = open(broker, topic, "times", 100).await;
    let before = time_of_next(&mut *source).await;
    let mut first = 1;
    let split = loop {
        publish(broker, topic, first..first + 1).await;
        let time = time_of_next(&mut *source).await;
        // Messages of one millisecond cannot be told apart.
        if time > before {
            break time;
        }
        first += 1;
    };
    publish(broker, topic, first + 1..first + 2).await;
    within(source.close()).await.expect("closed");

    let mut source = open_at(broker, topic, "at", 100, Start::At(split)).await;
    let read = receive_numbers(&mut *source, 2).await;
    assert_eq!(read, [first, first + 1]);
    within(source.close()).await.expect("closed");
}

/// What waits is counted from where a group would begin, and from its position once it has one. The
/// topic has one partition.
pub async fn a_group_can_be_told_what_waits_for_it(broker: &dyn Broker, topic: &str) {
    let group = format!("{topic}-backlog");
    let backlog_since =
        async |reset, start| within(broker.backlog(topic, &group, start, reset)).await;
    let backlog = async |start| backlog_since(0, start).await;
    let told = |has_position, waiting| {
        Ok(Backlog {
            has_position,
            waiting,
        })
    };
    publish(broker, topic, 0..5).await;
    assert_eq!(backlog(Start::Earliest).await, told(false, 5));
    assert_eq!(backlog(Start::Latest).await, told(false, 0));

    let mut source = open(broker, topic, "backlog", 100).await;
    assert_eq!(receive_numbers(&mut *source, 2).await, [0, 1]);
    within(source.close()).await.expect("closed");
    for start in [Start::Earliest, Start::Latest] {
        assert_eq!(backlog(start).await, told(true, 3));
    }
    // A reset that nobody has applied yet.
    for (start, waiting) in [(Start::Earliest, 5), (Start::Latest, 0)] {
        assert_eq!(backlog_since(7, start).await, told(false, waiting));
    }
}

/// Two sources of one group share the messages, and what one leaves unsettled the other gets. The
/// topic has two partitions or more.
pub async fn sources_of_a_group_share_and_lose_nothing(broker: &dyn Broker, topic: &str) {
    let mut one = open(broker, topic, "shared", 10).await;
    let mut two = open(broker, topic, "shared", 1000).await;
    let mut read = BTreeSet::new();
    let mut written = 0;
    // Until both have something, messages are written and read; those of `one` stay unsettled.
    let (mut by_one, mut by_two) = (0, 0);
    while by_one == 0 || by_two == 0 {
        assert!(written < ATTEMPTS, "one of two sources gets nothing");
        publish(broker, topic, written..written + 1).await;
        written += 1;
        tokio::select! {
            delivery = one.recv() => {
                drop(delivery.expect("a message"));
                by_one += 1;
            }
            delivery = two.recv() => {
                let delivery = delivery.expect("a message");
                read.insert(number(&delivery.message));
                delivery.settle();
                by_two += 1;
            }
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
    within(one.close()).await.expect("closed");
    publish(broker, topic, written..written + 50).await;
    written += 50;
    while read.len() < written as usize {
        let delivery = receive(&mut *two).await;
        read.insert(number(&delivery.message));
        delivery.settle();
    }
    within(two.close()).await.expect("closed");
}

/// Writes messages until the source hands one out, which is answered.
async fn write_until_read(
    broker: &dyn Broker,
    topic: &str,
    source: &mut dyn Source,
    from: u32,
) -> Delivery {
    let sink = broker.sink().await.expect("a sink");
    for next in from..from + ATTEMPTS {
        sink.publish(numbered(topic, next))
            .await
            .expect("published");
        if let Ok(delivery) = tokio::time::timeout(PAUSE, source.recv()).await {
            return delivery.expect("a message");
        }
    }
    panic!("nothing was handed out of {ATTEMPTS} messages");
}

async fn time_of_next(source: &mut dyn Source) -> SystemTime {
    let delivery = receive(source).await;
    delivery.message.timestamp.expect("a time")
}
