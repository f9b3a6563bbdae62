//! What does not fit into its topic, and dead letters that are written back.

use bytes::Bytes;

use crate::endpoint::{echo, refuse};
use crate::world::{World, body, find, header, names};

#[tokio::test]
async fn a_dead_letter_that_does_not_fit_is_written_without_its_body() {
    let world = World::new(refuse).await;
    world.broker.take_at_most(5);
    let mine = [("x-mine", "kept")];
    world.broker.write("orders", &mine, b"too long");
    world.broker.write("orders", &[], b"short");
    world.assign(|_| {});
    let worker = world.worker().await;
    let dead = world.dead_letters(2).await;
    let stub = dead.iter().find(|dead| body(dead).is_empty()).unwrap();
    for (name, value) in [
        ("x-mine", "kept"),
        ("eventflows-reason", "refused"),
        ("eventflows-body", "omitted"),
        ("eventflows-body-bytes", "8"),
        (
            "eventflows-body-sha256",
            "24f3ac3b491840aff350f314f926882281268016b9d1328a12b96466bd6487b6",
        ),
    ] {
        assert_eq!(header(stub, name), value, "{name}");
    }
    assert_eq!(stub.key.as_deref(), Some(&b"key"[..]));
    assert!(dead.iter().any(|dead| body(dead) == "short"));
    world.settled(2).await;
    assert_eq!(worker.ledger().await.dead_lettered, 2);
    let reports = world.plane.reports();
    assert!(!reports.iter().any(|report| report.starts_with("BLOCKED")));
    worker.stop().await;
}

#[tokio::test]
async fn a_dead_letter_whose_headers_do_not_fit_has_ours_alone() {
    let world = World::new(refuse).await;
    world.broker.take_headers_of_at_most(1000);
    let long = "x".repeat(1000);
    world.broker.write("orders", &[("x-mine", &long)], b"bad");
    world.assign(|_| {});
    let worker = world.worker().await;
    let dead = &world.dead_letters(1).await[0];
    assert_eq!(find(dead, "x-mine"), None);
    assert_eq!(header(dead, "eventflows-headers"), "omitted");
    assert_eq!(header(dead, "eventflows-body"), "omitted");
    assert_eq!(header(dead, "eventflows-source-offset"), "0");
    world.settled(1).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_result_that_is_too_large_for_its_topic_is_given_up_and_the_next_goes_on() {
    let world = World::new(echo).await;
    world.broker.take_at_most(5);
    world.broker.write("orders", &[], b"too long");
    world.broker.write("orders", &[], b"short");
    world.assign(|_| {});
    let worker = world.worker().await;
    world.settled(2).await;
    assert_eq!(world.broker.messages("scores").len(), 1);
    assert!(world.broker.messages("dead").is_empty());
    assert_eq!((world.broker.too_large(), world.calls()), (1, 2));
    let ledger = worker.ledger().await;
    assert_eq!((ledger.succeeded, ledger.in_flight), (2, 0));
    assert_eq!(ledger.outputs_too_large, 1);
    worker.stop().await;
}

#[tokio::test]
async fn a_dead_letter_that_was_written_back_five_times_says_only_of_the_last_and_the_first() {
    let world = World::new(refuse).await;
    world.broker.write("orders", &[("x-mine", "kept")], b"bad");
    world.assign(|_| {});
    let worker = world.worker().await;
    for trip in 1..=5 {
        let dead = &world.dead_letters(trip).await[trip - 1];
        assert_eq!(
            header(dead, "eventflows-dead-letter-count"),
            trip.to_string()
        );
        let offset = header(dead, "eventflows-source-offset");
        assert_eq!(offset, (trip - 1).to_string());
        let first = find(dead, "eventflows-first-source-offset");
        let expected = (trip > 1).then(|| Bytes::from_static(b"0"));
        assert_eq!(first, expected.as_ref());
        let mut all = names(dead);
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count, "{all:?}");
        world.broker.copy(dead, "orders");
    }
    let dead = &world.dead_letters(6).await[5];
    assert_eq!(header(dead, "eventflows-first-source-topic"), "orders");
    assert_eq!(header(dead, "x-mine"), "kept");
    worker.stop().await;
}

#[tokio::test]
async fn a_body_that_was_left_out_stays_so_until_it_is_there_again() {
    let world = World::new(refuse).await;
    world.broker.take_at_most(5);
    world.broker.write("orders", &[], b"too long");
    world.assign(|_| {});
    let worker = world.worker().await;
    let stub = &world.dead_letters(1).await[0];
    world.broker.copy(stub, "orders");
    let again = &world.dead_letters(2).await[1];
    for name in [
        "eventflows-body",
        "eventflows-body-bytes",
        "eventflows-body-sha256",
    ] {
        assert_eq!(header(again, name), header(stub, name));
    }
    let mut mended = again.clone();
    mended.body = Some(Bytes::from_static(b"mend"));
    world.broker.copy(&mended, "orders");
    let mended = &world.dead_letters(3).await[2];
    assert_eq!(body(mended), "mend");
    assert!(
        !names(mended)
            .iter()
            .any(|name| name.starts_with("eventflows-body"))
    );
    worker.stop().await;
}

#[tokio::test]
async fn a_dead_letter_that_was_not_written_is_written_after_a_crash_without_another_call() {
    let world = World::new(refuse).await;
    world.broker.refuse("dead", true);
    world.broker.write("orders", &[], b"bad");
    world.assign(|_| {});
    let worker = world.worker().await;
    world.reported("BLOCKED topic_unavailable").await;
    worker.kill().await;
    assert_eq!(world.broker.settled(), 0);

    let worker = world.worker().await;
    world.broker.refuse("dead", false);
    assert_eq!(body(&world.dead_letters(1).await[0]), "bad");
    world.settled(1).await;
    assert_eq!(world.calls(), 1);
    assert_eq!(worker.ledger().await.dead_lettered, 1);
    worker.stop().await;
    assert_eq!(world.broker.messages("dead").len(), 1);
}
