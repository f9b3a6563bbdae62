//! Workers that may work, and may not any more.

use tokio::time::Instant;
use workers::Permission;

use crate::endpoint::echo;
use crate::world::{World, body, eventually};

#[tokio::test]
async fn a_worker_whose_time_is_over_decides_nothing_until_it_may_again() {
    let world = World::new(echo).await;
    world.hold(true);
    world.broker.write("orders", &[], b"one");
    world.assign(|_| {});
    let worker = world.worker().await;
    eventually("the call", || world.calls() == 1).await;
    // Its process slept, and nobody has told it yet.
    worker.permits.say(Permission::Until(Instant::now()));
    world.hold(false);
    let refused = "FAILED the journal does not answer";
    let refused_too = "FAILED the worker may not work now";
    eventually("the decision is refused", || {
        let reports = world.plane.reports();
        reports
            .iter()
            .any(|report| report.starts_with(refused) || report.starts_with(refused_too))
    })
    .await;
    assert_eq!(world.broker.settled(), 0);
    assert!(world.broker.messages("scores").is_empty());
    assert_eq!(worker.ledger().await.in_flight, 1);

    worker.permits.say(Permission::Granted);
    assert_eq!(body(&world.outputs(1).await[0]), "one");
    world.settled(1).await;
    assert_eq!(worker.ledger().await.succeeded, 1);
    worker.stop().await;
}

#[tokio::test]
async fn a_worker_that_may_not_work_stands_by_and_goes_on_where_it_stopped() {
    let world = World::new(echo).await;
    world.broker.write("orders", &[], b"one");
    world.assign(|_| {});
    let worker = world.worker().await;
    world.settled(1).await;
    worker.permits.withdraw().await;
    assert!(world.plane.reports().iter().any(|told| told == "STOPPED"));
    let subscribed = world.plane.subscribed_after().len();
    world.broker.write("orders", &[], b"two");
    worker.permits.say(Permission::Granted);
    let results = world.outputs(2).await;
    assert_eq!([body(&results[0]), body(&results[1])], ["one", "two"]);
    assert_eq!(world.calls(), 2);
    // From a snapshot: what changed meanwhile it has not heard.
    assert_eq!(world.plane.subscribed_after().len(), subscribed + 1);
    assert!(world.plane.subscribed_after()[subscribed].is_null());
    worker.stop().await;
}
