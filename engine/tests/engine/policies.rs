//! What the policy ends and moves.

use std::sync::Arc;
use std::time::Duration;

use domain::algorithm::RetireAlgorithm;
use domain::broker::{DisconnectBroker, ReplaceBroker};
use domain::grant::{Access, Edit, EditGrants};
use domain::listener::{PauseListener, StartPosition};
use domain::testing::{
    broker_id, broker_replaced, listener_id, meta, score, to_acme, topic_id, topic_on,
    unknown_event,
};
use domain::topic::Topic;
use domain::{Actor, Position, Revision, StreamName, codec};
use engine::policy;
use event_store::FollowError;
use event_store::{Append, Expected};
use tokio_util::sync::CancellationToken;

use crate::cluster::{Cluster, grant, listen, pattern, publish, revoke};

#[tokio::test]
async fn a_revoked_grant_ends_its_listener_with_the_cause() {
    let cluster = Cluster::flowing().await;
    let revoked = cluster.done(&revoke("orders", Access::Subscribe)).await;
    cluster.settle().await;
    assert_eq!(cluster.types_after(revoked).await, ["ListenerDisabled"]);
    let events = cluster.events().await;
    let (cause, disabled) = (&events[events.len() - 2], &events[events.len() - 1]);
    let actor = Actor::Policy {
        name: "cleanup".to_owned(),
    };
    assert_eq!(disabled.meta.actor, actor);
    assert_eq!(disabled.meta.causation, cause.id.0);
    assert_eq!(disabled.meta.correlation, cause.meta.correlation);
    let payload: serde_json::Value = serde_json::from_slice(&disabled.payload).unwrap();
    assert_eq!(payload["cause"], cause.id.to_string());
}

#[tokio::test]
async fn a_broker_that_is_gone_takes_everything_on_it_along() {
    let cluster = Cluster::flowing().await;
    let broker = topic_id("orders").broker;
    let gone = cluster.done(&DisconnectBroker { broker }).await;
    cluster.settle().await;
    let mut ended = cluster.types_after(gone).await;
    ended.sort();
    let expected = [
        "ListenerDisabled",
        "PublisherDisabled",
        "TopicRevoked",
        "TopicRevoked",
    ];
    assert_eq!(ended, expected);
}

#[tokio::test]
async fn an_answer_that_comes_late_leaves_alone_what_was_mended() {
    let cluster = Cluster::flowing().await;
    let revoked = cluster.done(&revoke("orders", Access::Subscribe)).await;
    let late = cluster.policy_at(revoked).await.remedies();
    assert_eq!(late.len(), 1);
    let granted = cluster.done(&grant("orders", Access::Subscribe)).await;
    late[0].execute(&cluster.engine).await.unwrap();
    assert_eq!(cluster.types_after(granted).await, [""; 0]);
    assert!(cluster.policy_at(granted).await.remedies().is_empty());
}

#[tokio::test]
async fn a_listener_outlives_a_grant_while_another_permits_it() {
    let cluster = Cluster::flowing().await;
    let by_organization =
        |edit| EditGrants::single(topic_id("orders"), edit, to_acme(Access::Subscribe));
    cluster.done(&by_organization(Edit::Add)).await;
    cluster
        .done(&pattern(Edit::Add, "ord*", Access::Subscribe))
        .await;
    cluster.done(&revoke("orders", Access::Subscribe)).await;
    assert!(cluster.policy().await.is_empty());
    cluster.done(&by_organization(Edit::Remove)).await;
    assert!(cluster.policy().await.is_empty());
    let last = cluster
        .done(&pattern(Edit::Remove, "ord*", Access::Subscribe))
        .await;
    cluster.settle().await;
    assert_eq!(cluster.types_after(last).await, ["ListenerDisabled"]);
    let events = cluster.events().await;
    let (cause, disabled) = (&events[events.len() - 2], &events[events.len() - 1]);
    assert_eq!(cause.type_name, "TopicPatternRevoked");
    assert_eq!(disabled.meta.causation, cause.id.0);
}

#[tokio::test]
async fn a_retired_algorithm_leaves_nothing_behind_but_the_grants_of_others() {
    let cluster = Cluster::flowing().await;
    let others = EditGrants::single(topic_id("orders"), Edit::Add, to_acme(Access::Subscribe));
    cluster.done(&others).await;
    cluster
        .done(&pattern(Edit::Add, "ord*", Access::Subscribe))
        .await;
    let algorithm = score();
    let retired = cluster.done(&RetireAlgorithm { algorithm }).await;
    cluster.settle().await;
    let mut ended = cluster.types_after(retired).await;
    ended.sort();
    let expected = [
        "ListenerDisabled",
        "PublisherDisabled",
        "TopicPatternRevoked",
        "TopicRevoked",
        "TopicRevoked",
    ];
    assert_eq!(ended, expected);
    let orders: Topic = cluster
        .engine
        .fold(&StreamName::topic(&topic_id("orders")))
        .await
        .unwrap();
    assert_eq!(orders.grants.len(), 1);
}

fn replace(from: &str, to: &str) -> ReplaceBroker {
    ReplaceBroker {
        broker: broker_id(from),
        replacement: broker_id(to),
        topics: ["orders", "scores"].map(|t| t.parse().unwrap()).to_vec(),
        leave_missing: true,
        start: Some(StartPosition::Latest),
    }
}

async fn folded(cluster: &Cluster, on: &str, name: &str) -> Topic {
    let stream = StreamName::topic(&topic_on(on, name));
    cluster.engine.fold(&stream).await.unwrap()
}

#[tokio::test]
async fn a_replacement_takes_over_everything_as_it_was() {
    let cluster = Cluster::empty().await;
    cluster.ready().await;
    cluster
        .done(&pattern(Edit::Add, "ord*", Access::Subscribe))
        .await;
    cluster.done(&grant("scores", Access::Publish)).await;
    cluster.done(&grant("orders-dlq", Access::DeadLetter)).await;
    cluster.done(&listen(Some("orders-dlq"))).await;
    cluster
        .done(&PauseListener {
            listener: listener_id("orders"),
        })
        .await;
    cluster.done(&publish()).await;
    let before = [
        folded(&cluster, "main", "orders").await,
        folded(&cluster, "main", "scores").await,
    ];
    cluster
        .connect_as("next", &["orders", "orders-dlq", "scores"])
        .await;
    let replaced = cluster.done(&replace("main", "next")).await;
    cluster.settle().await;
    let mut after = [
        folded(&cluster, "next", "orders").await,
        folded(&cluster, "next", "scores").await,
    ];
    let algorithm = score();
    let moved = after[0].listeners.get_mut(&algorithm).unwrap();
    assert_eq!(moved.settings.start, Some(StartPosition::Latest));
    moved.settings.start = Some(StartPosition::Earliest);
    assert_eq!(before, after);
    assert!(folded(&cluster, "main", "orders").await.is_free());
    assert!(folded(&cluster, "main", "scores").await.is_free());
    let cause = cluster.events().await[usize::try_from(replaced.0).unwrap() - 1].id;
    for event in cluster.events().await {
        if event.position > replaced {
            assert_eq!(event.meta.causation, cause.0, "{}", event.type_name);
            let replacement = Actor::Policy {
                name: "replacement".to_owned(),
            };
            assert_eq!(event.meta.actor, replacement);
        }
    }
}

#[tokio::test]
async fn a_chain_of_replacements_ends_at_the_last_of_them() {
    let cluster = Cluster::flowing().await;
    for name in ["next", "last"] {
        cluster.connect_as(name, &["orders", "scores"]).await;
    }
    // Both happen before the policy has moved anything.
    cluster.done(&replace("main", "next")).await;
    cluster.done(&replace("next", "last")).await;
    cluster.settle().await;
    assert!(folded(&cluster, "main", "orders").await.is_free());
    assert!(folded(&cluster, "next", "orders").await.is_free());
    assert_eq!(folded(&cluster, "last", "orders").await.listeners.len(), 1);
    assert_eq!(folded(&cluster, "last", "scores").await.publishers.len(), 1);
}

#[tokio::test]
async fn what_the_replacement_lacks_ends_and_what_it_ends_by_hand_stays_ended() {
    let cluster = Cluster::flowing().await;
    cluster.connect_as("next", &["scores"]).await;
    let replaced = cluster.done(&replace("main", "next")).await;
    cluster.settle().await;
    let mut types = cluster.types_after(replaced).await;
    types.sort();
    let expected = [
        "ListenerDisabled",
        "PublisherDisabled",
        "PublisherEnabled",
        "TopicGranted",
        "TopicRevoked",
        "TopicRevoked",
    ];
    assert_eq!(types, expected);
}

#[tokio::test]
async fn a_replacement_that_is_gone_before_it_takes_over_takes_nothing() {
    let cluster = Cluster::flowing().await;
    cluster.connect_as("next", &["orders", "scores"]).await;
    cluster.done(&replace("main", "next")).await;
    let broker = broker_id("next");
    cluster.done(&DisconnectBroker { broker }).await;
    cluster.settle().await;
    assert!(folded(&cluster, "main", "orders").await.is_free());
    assert!(folded(&cluster, "next", "orders").await.is_free());
}

/// Two brokers that replace each other: each replacement was decided while the other broker
/// was connected, and each is in a stream of its own.
async fn replaced_by_each_other() -> Cluster {
    let cluster = Cluster::flowing().await;
    cluster.connect_as("next", &["orders", "scores"]).await;
    let next = StreamName::broker(broker_id("next"));
    let page = cluster.engine.store().read_stream(&next, Revision(0), 100);
    let seen = page.await.unwrap().last().unwrap().revision;
    cluster.done(&replace("main", "next")).await;
    let request = cluster.request();
    let append = Append {
        stream: next,
        expected: Expected::Exact(seen),
        command: request.command,
        fingerprint: request.fingerprint,
        meta: meta(request.actor, request.command),
        events: codec::encode(request.command, &[broker_replaced("next", "main")]),
    };
    cluster.engine.store().append(append).await.unwrap();
    cluster
}

#[tokio::test]
async fn brokers_that_replaced_each_other_both_end_and_what_used_them_ends() {
    let cluster = replaced_by_each_other().await;
    cluster.settle().await;
    for on in ["main", "next"] {
        for name in ["orders", "scores"] {
            assert!(folded(&cluster, on, name).await.is_free(), "{on}/{name}");
        }
    }
    assert!(cluster.policy().await.remedies().is_empty());
}

/// Appends an event that no program knows, as a newer one would.
async fn append_from_the_future(cluster: &Cluster, type_name: &'static str, schema_version: u32) {
    let request = cluster.request();
    let append = Append {
        stream: StreamName("future-1".to_owned()),
        expected: Expected::NoStream,
        command: request.command,
        fingerprint: request.fingerprint,
        meta: meta(request.actor, request.command),
        events: vec![unknown_event(request.command, type_name, schema_version)],
    };
    cluster.engine.store().append(append).await.unwrap();
}

#[tokio::test]
async fn a_policy_stops_at_a_type_or_a_schema_version_that_it_does_not_know() {
    for (type_name, schema_version) in [("FromTheFuture", 1), ("TopicGranted", 3)] {
        let cluster = Cluster::flowing().await;
        append_from_the_future(&cluster, type_name, schema_version).await;
        let broker = broker_id("main");
        let gone = cluster.done(&DisconnectBroker { broker }).await;
        let engine = Arc::new(cluster.engine.clone());
        let run = policy::run(engine, CancellationToken::new());
        let stopped = tokio::time::timeout(Duration::from_secs(10), run)
            .await
            .unwrap();
        let FollowError::Decode { position, source } = stopped.unwrap_err() else {
            panic!("the policy stopped for another reason");
        };
        assert_eq!(position, Position(gone.0 - 1));
        assert!(source.to_string().contains(type_name), "{source}");
        assert_eq!(cluster.types_after(gone).await, [""; 0]);
    }
}
