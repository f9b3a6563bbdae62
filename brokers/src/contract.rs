//! What every broker must do, as functions that panic where it does not.
//!
//! Each takes a broker and a fresh, empty topic of it, and uses groups of its own. The tests of a
//! broker run them all; where a broker cannot pass one by its nature, they say so.

mod flow;
mod groups;
mod refusals;
mod settlement;
mod tools;

use bytes::Bytes;

pub use self::flow::{
    a_held_source_fetches_nothing, a_stalled_source_goes_on_when_messages_are_settled,
    a_stalled_source_reads_partitions_that_come_back, the_bound_on_unsettled_messages_holds,
    the_budget_of_memory_holds,
};
pub use self::groups::{
    a_group_can_be_told_what_waits_for_it, a_group_can_start_at_a_time,
    a_group_can_start_at_the_beginning, a_group_can_start_at_the_end,
    a_group_that_started_at_the_end_keeps_its_place, sources_of_a_group_share_and_lose_nothing,
    two_groups_each_get_everything, what_was_begun_ends_before_partitions_are_given_away,
};
pub use self::refusals::{
    a_message_that_is_too_large_is_refused, an_absent_broker_is_unreachable,
    an_unknown_topic_is_refused, one_that_is_too_large_takes_no_others_along,
    topics_are_listed_by_name,
};
pub use self::settlement::{
    a_late_settlement_moves_nothing, out_of_order_settlement_redelivers_from_the_first_unsettled,
    what_is_settled_is_not_delivered_again, what_is_unsettled_is_delivered_again,
};
use self::tools::{open, publish, receive, within};
use crate::metadata::{CloudEvent, Metadata};
use crate::port::{Broker, Outgoing};

/// Keys, headers and bodies of any bytes arrive as they were written, and absent differs from empty.
pub async fn messages_pass_byte_for_byte(broker: &dyn Broker, topic: &str) {
    let every_byte: Bytes = (0..=255).collect();
    let written = [
        outgoing(topic, Some(every_byte.clone()), vec![], None),
        outgoing(topic, None, vec![], Some(Bytes::new())),
        outgoing(
            topic,
            Some(Bytes::new()),
            vec![],
            Some(Bytes::from_static(b"\0")),
        ),
        outgoing(
            topic,
            Some(every_byte.clone()),
            vec![
                ("trace".to_owned(), Some(every_byte.clone())),
                ("absent".to_owned(), None),
                ("empty".to_owned(), Some(Bytes::new())),
                ("trace".to_owned(), Some(Bytes::from_static(b"again"))),
                ("größe".to_owned(), Some(Bytes::from_static(b"\xff\xfe"))),
            ],
            Some(every_byte.repeat(300).into()),
        ),
    ];
    let sink = broker.sink().await.expect("a sink");
    for message in &written {
        within(sink.publish(message.clone()))
            .await
            .expect("published");
    }
    let mut source = open(broker, topic, "bytes", 10).await;
    let mut read = Vec::new();
    for _ in &written {
        let message = receive(&mut *source).await.message;
        read.push(outgoing(topic, message.key, message.headers, message.body));
    }
    // Brokers with more than one partition may hand them out in another order.
    read.sort_by_key(|message| message.body.as_ref().map(Bytes::len));
    assert_eq!(read, written);
    within(source.close()).await.expect("closed");
}

/// A broker spells in its own way what a message says of itself, and reads its spelling.
pub async fn what_a_message_says_of_itself_passes(broker: &dyn Broker, topic: &str) {
    let text = |text: &'static str| Some(Bytes::from_static(text.as_bytes()));
    let event = CloudEvent {
        specversion: Bytes::from_static(b"1.0"),
        id: Bytes::from_static(b"A1"),
        source: Bytes::from_static(b"/shop"),
        kind: Bytes::from_static(b"com.shop.order"),
        others: vec![("subject".into(), Bytes::from("größe"))],
    };
    let metadata = Metadata {
        content_type: text("application/json"),
        content_encoding: text("gzip"),
        event: Some(event),
    };
    let sink = broker.sink().await.expect("a sink");
    let other = ("trace".to_owned(), text("1"));
    let written = Outgoing {
        metadata: metadata.clone(),
        ..outgoing(topic, None, vec![other.clone()], text("body"))
    };
    within(sink.publish(written)).await.expect("published");
    let mut source = open(broker, topic, "metadata", 10).await;
    let message = receive(&mut *source).await.message;
    assert_eq!(message.metadata, metadata);
    assert!(message.headers.contains(&other));
    within(source.close()).await.expect("closed");
}

/// Every write that was confirmed while many were under way can be read, and once.
pub async fn concurrent_writes_all_arrive(broker: &dyn Broker, topic: &str) {
    publish(broker, topic, 0..500).await;
    let mut source = open(broker, topic, "many", 1000).await;
    let mut read = tools::receive_numbers(&mut *source, 500).await;
    read.sort_unstable();
    assert_eq!(read, (0..500).collect::<Vec<_>>());
    within(source.close()).await.expect("closed");
}

fn outgoing(
    topic: &str,
    key: Option<Bytes>,
    headers: Vec<(String, Option<Bytes>)>,
    body: Option<Bytes>,
) -> Outgoing {
    Outgoing {
        topic: topic.to_owned(),
        key,
        headers: headers
            .into_iter()
            .map(|(name, value)| (name.into(), value))
            .collect(),
        metadata: Metadata::default(),
        body,
    }
}
