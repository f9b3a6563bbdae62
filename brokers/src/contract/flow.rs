//! How a source holds back.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use futures_util::future::try_join_all;

use super::tools::{
    is_silent, number, numbered, open, open_within, publish, publish_spread, receive, receive_many,
    receive_numbers, within,
};
use crate::memory::Memory;
use crate::port::{Broker, Outgoing, Start};

/// Never more than `max_unsettled` are out, and settling one lets one more out.
pub async fn the_bound_on_unsettled_messages_holds(broker: &dyn Broker, topic: &str) {
    publish(broker, topic, 0..10).await;
    let mut source = open(broker, topic, "bound", 3).await;
    let mut out: VecDeque<_> = receive_many(&mut *source, 3).await.into();
    for _ in 3..10 {
        assert!(is_silent(&mut *source, Duration::from_millis(200)).await);
        out.pop_front().expect("three are out").settle();
        out.push_back(receive(&mut *source).await);
    }
    let mut last: Vec<_> = out
        .iter()
        .map(|delivery| number(&delivery.message))
        .collect();
    last.dedup();
    assert_eq!(last.len(), 3);
    within(source.close()).await.expect("closed");
}

/// While the budget of memory is full nothing more is handed out, whatever the number of messages; but
/// a source that has none out hands out one. All sources count in the same budget.
pub async fn the_budget_of_memory_holds(broker: &dyn Broker, topic: &str) {
    const EACH: usize = 100_000;
    let sink = broker.sink().await.expect("a sink");
    let writes = (0..20).map(|number| {
        sink.publish(Outgoing {
            body: Some(vec![b'0' + number; EACH].into()),
            ..numbered(topic, 0)
        })
    });
    within(try_join_all(writes)).await.expect("published");

    let memory = Memory::of(3 * EACH);
    let open = async |group: &str| {
        open_within(broker, topic, group, 100, Start::Earliest, memory.clone()).await
    };
    let mut source = open("memory").await;
    let mut out: VecDeque<_> = receive_many(&mut *source, 3).await.into();
    assert!(is_silent(&mut *source, Duration::from_secs(2)).await);
    // Full as the budget is, another source is not kept from its first message.
    let mut other = open("more-memory").await;
    let first = receive(&mut *other).await;
    assert!(is_silent(&mut *other, Duration::from_millis(500)).await);
    assert!(memory.used() < 5 * EACH, "{}", memory.used());
    first.settle();
    within(other.close()).await.expect("closed");
    for _ in 3..20 {
        out.pop_front().expect("three are out").settle();
        out.push_back(receive(&mut *source).await);
    }
    assert!(memory.most() < 6 * EACH, "{}", memory.most());
    within(source.close()).await.expect("closed");
    // Dropped, they take nothing.
    drop(out);
    assert_eq!(memory.used(), 0);
}

/// A source that is held hands out nothing that came after, and goes on when it is told to.
pub async fn a_held_source_fetches_nothing(broker: &dyn Broker, topic: &str) {
    publish(broker, topic, 0..3).await;
    let mut source = open(broker, topic, "held", 100).await;
    for delivery in receive_many(&mut *source, 3).await {
        delivery.settle();
    }
    source.hold(true).await;
    publish(broker, topic, 3..6).await;
    assert!(is_silent(&mut *source, Duration::from_secs(3)).await);
    source.hold(false).await;
    let numbers = receive_numbers(&mut *source, 3).await;
    assert_eq!(
        numbers.into_iter().collect::<BTreeSet<_>>(),
        (3..6).collect()
    );
    within(source.close()).await.expect("closed");
}

/// A source that was full for so long that it stopped fetching continues without loss or repetition,
/// and it was not put out of its group meanwhile. The topic has one partition: of several, one may make
/// way for the others.
pub async fn a_stalled_source_goes_on_when_messages_are_settled(broker: &dyn Broker, topic: &str) {
    publish(broker, topic, 0..300).await;
    let mut source = open(broker, topic, "stalled", 100).await;
    let mut read = Vec::new();
    for _ in 0..3 {
        let out = receive_many(&mut *source, 100).await;
        if read.len() < 200 {
            assert!(is_silent(&mut *source, Duration::from_secs(3)).await);
        }
        for delivery in out {
            read.push(number(&delivery.message));
            delivery.settle();
        }
    }
    read.sort_unstable();
    assert_eq!(read, (0..300).collect::<Vec<_>>());
    within(source.close()).await.expect("closed");
}

/// A source that was stalled when its group took partitions from it reads them once they are back.
/// The topic has two partitions or more.
pub async fn a_stalled_source_reads_partitions_that_come_back(broker: &dyn Broker, topic: &str) {
    const MESSAGES: u32 = 200;
    publish_spread(broker, topic, 0..MESSAGES).await;
    let mut one = open(broker, topic, "back", 10).await;
    let mut held = receive_many(&mut *one, 10).await;
    // One partition may be set aside for the others.
    while let Ok(more) = tokio::time::timeout(Duration::from_secs(3), one.recv()).await {
        held.push(more.expect("a message"));
    }
    assert!(held.len() <= 20, "{}", held.len());

    // Once another source of the group has a message, it holds some of the partitions.
    let mut two = open(broker, topic, "back", 10).await;
    drop(receive(&mut *two).await);
    let mut read = BTreeSet::new();
    for delivery in held {
        read.insert(number(&delivery.message));
        delivery.settle();
    }
    // The first source continues with those it kept, before the others come back.
    let next = receive(&mut *one).await;
    read.insert(number(&next.message));
    next.settle();
    within(two.close()).await.expect("closed");

    while read.len() < MESSAGES as usize {
        let delivery = receive(&mut *one).await;
        read.insert(number(&delivery.message));
        delivery.settle();
    }
    within(one.close()).await.expect("closed");
}
