//! What happened, for histories: an algorithm `acme/score` between topics of a broker `main`.

use domain::Event;
use domain::grant::Access;
use domain::testing::{
    WORKER, algorithm_registered, broker_connected, dlq_set, granted, listener_disabled,
    listener_enabled, listener_id, listener_version_changed, organization_created,
    publisher_enabled, revoked, topics_gained, version_published, worker_joined,
};
use domain::worker::{ConsumerStarted, ListenerBlocked};

/// A listener on `orders`, set up with the version selector.
pub(crate) fn flowing(version: &str) -> Vec<Event> {
    vec![
        organization_created("acme"),
        algorithm_registered("acme/score"),
        version_published("acme/score", "1.0.0"),
        broker_connected("main"),
        topics_gained("main", &["orders", "orders-dlq", "scores"]),
        granted("orders", Access::Subscribe),
        granted("scores", Access::Publish),
        granted("orders-dlq", Access::DeadLetter),
        listener_enabled("orders", version),
        dlq_set("orders", "orders-dlq"),
    ]
}

pub(crate) fn everything() -> Vec<Event> {
    let (worker, listener) = (WORKER, listener_id("orders"));
    let started = ConsumerStarted {
        worker,
        listener: listener.clone(),
    };
    let blocked = ListenerBlocked {
        worker,
        listener,
        reason: "the endpoint is down".to_owned(),
    };
    let mut events = flowing("1.0.0");
    events.extend([
        publisher_enabled("scores", "1.*"),
        worker_joined(),
        started.into(),
        blocked.into(),
        version_published("acme/score", "1.1.0"),
        listener_version_changed("orders", "latest"),
        revoked("orders", Access::Subscribe),
        listener_disabled("orders"),
        granted("orders", Access::Subscribe),
        listener_enabled("orders", "1.1.0"),
    ]);
    events
}
