//! What settling a message, or not, means to the next reader of the group.

use super::tools::{number, open, publish, receive, receive_many, receive_numbers, within};
use crate::port::Broker;

/// A settled message is not delivered to the group again once the source is closed.
pub async fn what_is_settled_is_not_delivered_again(broker: &dyn Broker, topic: &str) {
    publish(broker, topic, 0..10).await;
    let mut source = open(broker, topic, "settled", 100).await;
    let read = receive_numbers(&mut *source, 10).await;
    assert_eq!(read.len(), 10);
    within(source.close()).await.expect("closed");

    publish(broker, topic, 10..11).await;
    let mut source = open(broker, topic, "settled", 100).await;
    assert_eq!(receive_numbers(&mut *source, 1).await, [10]);
    within(source.close()).await.expect("closed");
}

/// A message that was handed out and not settled comes again, whether it was dropped or kept.
pub async fn what_is_unsettled_is_delivered_again(broker: &dyn Broker, topic: &str) {
    publish(broker, topic, 0..4).await;
    let mut source = open(broker, topic, "unsettled", 100).await;
    let mut first = receive_many(&mut *source, 4).await;
    let kept = first.pop().expect("four messages");
    drop(first);
    within(source.close()).await.expect("closed");

    let mut source = open(broker, topic, "unsettled", 100).await;
    let mut again = receive_numbers(&mut *source, 4).await;
    again.sort_unstable();
    assert_eq!(again, [0, 1, 2, 3]);
    within(source.close()).await.expect("closed");
    drop(kept);
}

/// Where the broker keeps one position per group and partition, messages settled behind an
/// unsettled one come again with it. The topic has one partition.
pub async fn out_of_order_settlement_redelivers_from_the_first_unsettled(
    broker: &dyn Broker,
    topic: &str,
) {
    publish(broker, topic, 0..6).await;
    let mut source = open(broker, topic, "disorder", 100).await;
    let mut expected = Vec::new();
    let mut kept = None;
    // Settled from the last to the first, without the one in third place.
    for (place, delivery) in receive_many(&mut *source, 6)
        .await
        .into_iter()
        .enumerate()
        .rev()
    {
        if place >= 2 {
            expected.push(number(&delivery.message));
        }
        if place == 2 {
            kept = Some(delivery);
        } else {
            delivery.settle();
        }
    }
    within(source.close()).await.expect("closed");
    drop(kept);

    expected.reverse();
    let mut source = open(broker, topic, "disorder", 100).await;
    assert_eq!(receive_numbers(&mut *source, 4).await, expected);
    within(source.close()).await.expect("closed");
}

/// After the source was closed a delivery is lost, and settling it does nothing, also while the group's next source reads.
pub async fn a_late_settlement_moves_nothing(broker: &dyn Broker, topic: &str) {
    publish(broker, topic, 0..1).await;
    let mut source = open(broker, topic, "late", 100).await;
    let late = receive(&mut *source).await;
    assert!(!late.is_lost());
    within(source.close()).await.expect("closed");
    assert!(late.is_lost());

    let mut source = open(broker, topic, "late", 100).await;
    let again = receive(&mut *source).await;
    late.settle();
    assert_eq!(number(&again.message), 0);
    within(source.close()).await.expect("closed");

    let mut source = open(broker, topic, "late", 100).await;
    assert_eq!(receive_numbers(&mut *source, 1).await, [0]);
    within(source.close()).await.expect("closed");
}
