//! Dead letters that are large, and that are written back.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::StatusCode;
use tests::random::Random;
use tests::{Endpoint, Eventflows, Flow, FlowOptions, Kafka};

/// Its topics take it, and it is far above what the listener lets through.
#[tokio::test]
async fn a_message_of_nine_mebibytes_becomes_a_dead_letter_and_holds_up_nobody() {
    let kafka = Kafka::from_environment().taking(20_000_000);
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    let random = Random::of(18);
    let large = std::iter::repeat_with(|| random.below(256).to_le_bytes()[0]);
    let large: Bytes = large.take(9 * 1024 * 1024).collect();
    kafka.produce_to("orders", 0, &large).await;
    for number in 0..10 {
        let body = number.to_string();
        kafka.produce_to("orders", 0, body.as_bytes()).await;
    }
    flow.until_ended(10, 1).await;
    let dead = kafka.until_records("orders-dlq", 1).await;
    assert!(dead[0].body == large, "the whole message is there");
    assert_eq!(dead[0].header("eventflows-reason"), "message_too_large");
    assert_eq!(kafka.until_records("scores", 10).await.len(), 10);
    assert_eq!(endpoint.calls().len(), 10);
}

#[tokio::test]
async fn a_dead_letter_that_was_written_back_five_times_has_one_set_of_headers() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::start(|_| (StatusCode::UNPROCESSABLE_ENTITY, Bytes::new())).await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    let mine = [("x-mine", "kept")];
    kafka.produce_with("orders", Some("k"), &mine, b"bad").await;
    let mut seen = BTreeSet::new();
    for trip in 1..=6_u64 {
        flow.until_ended(0, trip).await;
        let dead = kafka
            .until_records("orders-dlq", trip.try_into().unwrap())
            .await;
        let mut dead = dead.into_iter();
        let newest = dead.find(|dead| seen.insert(dead.header("eventflows-run-id")));
        let dead = newest.expect("another dead letter");
        assert_eq!(
            dead.header("eventflows-dead-letter-count"),
            trip.to_string()
        );
        let names: BTreeSet<_> = dead.names.iter().collect();
        assert_eq!(names.len(), dead.names.len(), "{:?}", dead.names);
        assert_eq!(dead.header("x-mine"), "kept");
        if trip > 1 {
            assert_eq!(dead.header("eventflows-first-source-offset"), "0");
        }
        if trip < 6 {
            kafka.write_back("orders", &dead).await;
        }
    }
}
