//! What a broker says no to, and how.

use bytes::Bytes;
use futures_util::future::join_all;

use super::tools::{numbered, within};
use crate::port::{Broker, BrokerError, Outgoing, TopicInfo};

/// The topics are listed in order, without those the broker keeps for itself.
pub async fn topics_are_listed_by_name(broker: &dyn Broker, topic: &str) {
    let topics = within(broker.topics()).await.expect("topics");
    assert!(topics.is_sorted());
    assert!(topics.iter().any(|listed| listed.name == topic));
    let own = |listed: &TopicInfo| listed.name == "__consumer_offsets";
    assert!(!topics.iter().any(own));
}

/// Nothing is created by writing to it.
pub async fn an_unknown_topic_is_refused(broker: &dyn Broker, unknown: &str) {
    let sink = broker.sink().await.expect("a sink");
    let refused = within(sink.publish(numbered(unknown, 0))).await;
    assert_eq!(refused, Err(BrokerError::NoTopic(unknown.to_owned())));
}

/// A body of `bytes` that cannot be compressed is refused, and the sink continues.
pub async fn a_message_that_is_too_large_is_refused(
    broker: &dyn Broker,
    topic: &str,
    bytes: usize,
) {
    let sink = broker.sink().await.expect("a sink");
    let large = Outgoing {
        body: Some(noise(bytes)),
        ..numbered(topic, 0)
    };
    let refused = within(sink.publish(large)).await;
    assert!(
        matches!(refused, Err(BrokerError::TooLarge(_))),
        "{refused:?}"
    );
    within(sink.publish(numbered(topic, 1)))
        .await
        .expect("published");
}

/// One of `bytes` among small ones that are written at the same time. The topic takes all of these
/// by themselves, though not together.
pub async fn one_that_is_too_large_takes_no_others_along(
    broker: &dyn Broker,
    topic: &str,
    bytes: usize,
) {
    let sink = broker.sink().await.expect("a sink");
    let sized = |number: u32| Outgoing {
        body: Some(noise(if number == 20 { bytes } else { bytes / 8 })),
        ..numbered(topic, 0)
    };
    let writes = (0..40).map(|number| sink.publish(sized(number)));
    let written = within(join_all(writes)).await;
    for (number, written) in written.into_iter().enumerate() {
        if number == 20 {
            assert!(
                matches!(written, Err(BrokerError::TooLarge(_))),
                "{written:?}"
            );
        } else {
            assert_eq!(written, Ok(()), "{number}");
        }
    }
}

/// `broker` leads to an `address` where nobody listens, and gives up after a few seconds.
pub async fn an_absent_broker_is_unreachable(broker: &dyn Broker, address: &str) {
    let refused = within(broker.topics()).await.expect_err("nobody is there");
    assert_unreachable(&refused, address);

    let sink = broker.sink().await.expect("a sink");
    let published = within(sink.publish(numbered("any", 0))).await;
    let refused = published.expect_err("nobody is there");
    assert_unreachable(&refused, address);
}

fn assert_unreachable(error: &BrokerError, address: &str) {
    let BrokerError::Unreachable(reason) = error else {
        panic!("unreachable was expected, not {error:?}");
    };
    assert!(reason.contains(address), "{reason} names {address}");
}

fn noise(bytes: usize) -> Bytes {
    let mut state = 1_u64;
    let next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(bytes).collect()
}
