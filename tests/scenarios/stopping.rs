//! What is forbidden has stopped when the mutation is answered, whatever workers were doing.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tests::flow::withdraw;
use tests::log::LogDatabase;
use tests::network::Network;
use tests::{Endpoint, Eventflows, Flow, FlowOptions, Kafka, Witness, eventually};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// The calls that a listener makes at once, by default.
const CONCURRENCY: usize = 16;

/// Messages that are written once the mutation is answered.
const MARKERS: usize = 40;

const REVOKE: &str = "mutation($id: ID!) { it: grantRemove(id: $id, input: {}) \
                      { warnings { code message } userErrors { code message } } }";
const DISABLE: &str = "mutation($id: ID!) { it: listenerDisable(id: $id, input: {}) \
                       { warnings { code message } userErrors { code message } } }";

/// Writes messages until it is told to stop; answers how many.
fn write_steadily(kafka: &Arc<Kafka>, stop: CancellationToken) -> tokio::task::JoinHandle<usize> {
    let kafka = Arc::clone(kafka);
    tokio::spawn(async move {
        let mut written = 0;
        while !stop.is_cancelled() {
            kafka.produce("orders", b"steady").await;
            written += 1;
        }
        written
    })
}

async fn write_markers(kafka: &Kafka) {
    for number in 0..MARKERS {
        let marker = format!("after {number}");
        kafka.produce("orders", marker.as_bytes()).await;
    }
}

fn markers_called(endpoint: &Endpoint) -> usize {
    let calls = endpoint.calls();
    let markers = calls.iter().filter(|call| call.body.starts_with(b"after"));
    markers.count()
}

/// Messages are written all the time. Once `forbid` is answered, no call begins.
async fn nothing_is_called_once_answered(forbid: impl AsyncFn(&Flow)) {
    let kafka = Arc::new(Kafka::from_environment());
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    let stop = CancellationToken::new();
    let writing = write_steadily(&kafka, stop.clone());
    eventually("calls", async || {
        (endpoint.calls().len() > 50).then_some(())
    })
    .await;

    forbid(&flow).await;
    let called = endpoint.calls().len();
    write_markers(&kafka).await;
    stop.cancel();
    let written = writing.await.unwrap();
    let witness = Witness::of(&flow.api, &flow.topics[0]).await;
    witness.has_had(written + MARKERS).await;
    assert_eq!(markers_called(&endpoint), 0);
    let later = endpoint.calls().len() - called;
    assert!(
        later <= CONCURRENCY,
        "{later} calls cannot have been under way"
    );
    let results = kafka.records("scores").await;
    assert!(
        !results
            .iter()
            .any(|result| result.text().starts_with("after"))
    );
}

#[tokio::test]
async fn after_a_listener_was_disabled_nothing_is_called() {
    nothing_is_called_once_answered(async |flow| {
        let disabled = flow.api.done(DISABLE, json!({ "id": flow.listener })).await;
        assert_eq!(disabled["warnings"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn after_the_grant_of_a_listener_was_revoked_nothing_is_called() {
    nothing_is_called_once_answered(async |flow| {
        let grant = json!({ "id": flow.subscribe_grant });
        let revoked = flow.api.done(REVOKE, grant).await;
        assert_eq!(revoked["warnings"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn after_a_version_was_withdrawn_it_is_not_called() {
    nothing_is_called_once_answered(async |flow| {
        withdraw(&flow.api, &flow.algorithm, "1.0.0").await;
    })
    .await;
}

/// Results that are on their way to the topic are waited for: here, the network keeps them.
#[tokio::test]
async fn after_the_grant_of_a_publisher_was_revoked_nothing_is_written_to_its_topic() {
    let kafka = Kafka::from_environment();
    let network = Network::to(kafka.address()).await;
    let kafka = kafka.reached_at(&network.address());
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    endpoint.hold(|_| true);
    for _ in 0..CONCURRENCY {
        kafka.produce("orders", b"one").await;
    }
    eventually("all calls", async || {
        (endpoint.calls().len() == CONCURRENCY).then_some(())
    })
    .await;
    network.stall();
    endpoint.release();
    eventually("results on their way", async || {
        (flow.ledger().await.succeeded >= 10).then_some(())
    })
    .await;

    let mut revoke = std::pin::pin!(flow.api.done(REVOKE, json!({ "id": flow.publish_grant })));
    let answered = timeout(Duration::from_secs(1), &mut revoke).await;
    assert!(
        answered.is_err(),
        "results are still on their way: {answered:?}"
    );
    network.mend();
    let revoked = revoke.await;
    assert_eq!(revoked["warnings"], json!([]));
    let written = kafka.records("scores").await.len();

    for _ in 0..MARKERS {
        kafka.produce("orders", b"after").await;
    }
    flow.until_ended((CONCURRENCY + MARKERS) as u64, 0).await;
    let ledger = flow.look("ledger { outputsWithdrawn }").await;
    let withdrawn: usize = ledger["ledger"]["outputsWithdrawn"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(kafka.records("scores").await.len(), written);
    // Decided without an output, once the grant was gone.
    assert!(
        withdrawn + written <= CONCURRENCY,
        "{withdrawn} and {written}"
    );
}

/// The other server stands still, as one that is cut off does. When it goes on it knows nothing of
/// what was forbidden meanwhile.
#[tokio::test]
async fn a_worker_that_is_cut_off_has_stopped_when_the_mutation_is_answered() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let database = LogDatabase::postgres();
    let (one, other) = (
        Eventflows::start_sharing(&database).await,
        Eventflows::start_sharing(&database).await,
    );
    let flow = Flow::set_up(&one, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    flow.until_consumers(2).await;
    for _ in 0..MARKERS {
        kafka.produce("orders", b"before").await;
    }
    flow.until_ended(MARKERS as u64, 0).await;

    other.freeze();
    let disabled = flow.api.done(DISABLE, json!({ "id": flow.listener })).await;
    assert_eq!(disabled["warnings"], json!([]), "its lease has ended");
    write_markers(&kafka).await;
    other.thaw();
    flow.until_consumers(0).await;
    let witness = Witness::of(&flow.api, &flow.topics[0]).await;
    witness.has_had(2 * MARKERS).await;
    assert_eq!(markers_called(&endpoint), 0);
}
