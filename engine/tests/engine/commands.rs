//! Commands against a real log.

use std::sync::Arc;

use domain::algorithm::{Protocol, PublishVersion};
use domain::broker::DisconnectBroker;
use domain::grant::Access;
use domain::listener::{PauseListener, ResumeListener};
use domain::organization::CreateOrganization;
use domain::testing::{listener_id, score, topic_id};
use domain::{AnyCommand, Refusal, Revision, Thing};
use engine::execute::MOST_CHANGES;
use engine::{Outcome, Request, Seen, Stale};

use crate::cluster::{Cluster, acme, grant, request, revoke};

#[tokio::test]
async fn a_request_executed_again_answers_the_same_and_appends_nothing() {
    let cluster = Cluster::empty().await;
    let request = request("key", [1; 32]);
    let first = cluster.engine.execute(&acme(), &request).await.unwrap();
    let second = cluster.engine.execute(&acme(), &request).await.unwrap();
    assert!(matches!(first, Outcome::Accepted(_)), "{first:?}");
    assert_eq!(first, second);
    assert_eq!(cluster.events().await.len(), 1);
}

#[tokio::test]
async fn a_key_used_for_something_else_is_refused() {
    let cluster = Cluster::empty().await;
    let other = CreateOrganization {
        name: "other".parse().unwrap(),
    };
    let execute = async |command: &CreateOrganization, fingerprint| {
        let request = request("key", fingerprint);
        cluster.engine.execute(command, &request).await.unwrap()
    };
    execute(&acme(), [1; 32]).await;
    assert_eq!(execute(&other, [2; 32]).await, Outcome::KeyReused);
    // Also where the other command would have been refused by itself.
    assert_eq!(execute(&acme(), [2; 32]).await, Outcome::KeyReused);
    assert_eq!(cluster.events().await.len(), 1);
}

#[tokio::test]
async fn what_had_nothing_to_do_is_answered_the_same_when_it_comes_again() {
    let cluster = Cluster::flowing().await;
    let resume = ResumeListener {
        listener: listener_id("orders"),
    };
    let request = request("resume", [1; 32]);
    let execute = async || cluster.engine.execute(&resume, &request).await.unwrap();
    let before = cluster.engine.store().head().await.unwrap();
    let first = execute().await;
    assert_eq!(cluster.types_after(before).await, ["NothingChanged"]);
    let paused = cluster
        .done(&PauseListener {
            listener: listener_id("orders"),
        })
        .await;
    assert_eq!(execute().await, first);
    assert_eq!(cluster.types_after(paused).await, [""; 0]);
    let other = Request {
        fingerprint: [2; 32],
        ..request.clone()
    };
    let other = cluster.engine.execute(&resume, &other).await;
    assert_eq!(other.unwrap(), Outcome::KeyReused);
}

#[tokio::test]
async fn what_cannot_come_again_and_had_nothing_to_do_leaves_no_event() {
    let cluster = Cluster::flowing().await;
    let head = cluster.engine.store().head().await.unwrap();
    let request = Request {
        repeatable: false,
        ..cluster.request()
    };
    let resume = ResumeListener {
        listener: listener_id("orders"),
    };
    let done = cluster.engine.execute(&resume, &request).await.unwrap();
    assert!(matches!(done, Outcome::Accepted(_)), "{done:?}");
    assert_eq!(cluster.engine.store().head().await.unwrap(), head);
}

#[tokio::test]
async fn a_refusal_is_an_answer_and_leaves_no_event() {
    let cluster = Cluster::empty().await;
    cluster.done(&acme()).await;
    let again = cluster.engine.execute(&acme(), &cluster.request()).await;
    let taken = Refusal::OrganizationNameTaken("acme".parse().unwrap());
    assert_eq!(again.unwrap(), Outcome::Refused(taken));
    assert_eq!(cluster.events().await.len(), 1);
}

/// Executes `command`, which expects `thing` at a revision of its stream.
async fn expecting(
    cluster: &Cluster,
    command: &dyn AnyCommand,
    thing: Thing,
    revision: u64,
) -> Outcome {
    let mut request = cluster.request();
    request.expected = vec![Seen {
        thing,
        revision: Some(Revision(revision)),
    }];
    cluster.engine.execute(command, &request).await.unwrap()
}

fn types(stale: &Stale) -> Vec<&str> {
    stale.since.iter().map(|e| e.type_name.as_str()).collect()
}

#[tokio::test]
async fn a_stale_revision_is_answered_with_what_changed_since() {
    let cluster = Cluster::flowing().await;
    let command = revoke("orders", Access::Subscribe);
    let orders = Thing::Topic(topic_id("orders"));
    let outcome = expecting(&cluster, &command, orders, 0).await;
    let Outcome::Stale(stale) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(stale.actual, Some(Revision(1)));
    assert_eq!(types(&stale), ["ListenerEnabled"]);
}

#[tokio::test]
async fn what_happens_to_another_thing_of_the_stream_is_no_conflict() {
    let cluster = Cluster::flowing().await;
    let listener = listener_id("orders");
    let seen = Thing::Listener(listener.clone());
    cluster.done(&grant("orders", Access::Publish)).await;
    let pause = PauseListener { listener };
    let paused = expecting(&cluster, &pause, seen.clone(), 1).await;
    assert!(matches!(paused, Outcome::Accepted(_)), "{paused:?}");
    // The same again, from somebody who has not seen that.
    let resume = ResumeListener {
        listener: pause.listener,
    };
    let Outcome::Stale(stale) = expecting(&cluster, &resume, seen, 1).await else {
        panic!("no conflict");
    };
    assert_eq!(stale.actual, Some(Revision(3)));
    assert_eq!(types(&stale), ["ListenerPaused"]);
}

#[tokio::test]
async fn a_caller_may_expect_that_there_is_nothing_yet() {
    let cluster = Cluster::flowing().await;
    let mut request = cluster.request();
    request.expected = vec![Seen {
        thing: Thing::Topic(topic_id("orders-dlq")),
        revision: None,
    }];
    let command = grant("orders-dlq", Access::Subscribe);
    let first = cluster.engine.execute(&command, &request).await.unwrap();
    assert!(matches!(first, Outcome::Accepted(_)), "{first:?}");
    request.command = cluster.request().command;
    let second = cluster.engine.execute(&command, &request).await.unwrap();
    assert!(matches!(second, Outcome::Stale(_)), "{second:?}");
}

#[tokio::test]
async fn a_conflict_shows_at_most_100_changes_and_none_where_the_caller_is_ahead() {
    let cluster = Cluster::flowing().await;
    for number in 0..120 {
        let access = Access::Publish;
        let name = "orders";
        if number % 2 == 0 {
            cluster.done(&grant(name, access)).await;
        } else {
            cluster.done(&revoke(name, access)).await;
        }
    }
    let stale = async |expected| {
        let command = revoke("orders", Access::Subscribe);
        let orders = Thing::Topic(topic_id("orders"));
        match expecting(&cluster, &command, orders, expected).await {
            Outcome::Stale(stale) => stale.since,
            other => panic!("{other:?}"),
        }
    };
    let since = stale(1).await;
    assert_eq!(since.len(), MOST_CHANGES);
    assert_eq!(since[0].revision, Revision(2));
    assert_eq!(stale(u64::MAX).await, []);
}

#[tokio::test]
async fn commands_on_one_stream_at_once_are_all_done() {
    let cluster = Arc::new(Cluster::empty().await);
    cluster.ready().await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..8 {
        let cluster = Arc::clone(&cluster);
        tasks.spawn(async move {
            let version = PublishVersion {
                algorithm: score(),
                version: format!("2.0.{number}").parse().unwrap(),
                endpoint: "http://127.0.0.1:9/".to_owned(),
                protocol: Protocol::Raw,
                timeout_ms: 1000,
                calls: Default::default(),
            };
            cluster.done(&version).await
        });
    }
    let mut positions = tasks.join_all().await;
    positions.sort();
    positions.dedup();
    assert_eq!(positions.len(), 8);
}

#[tokio::test]
async fn a_name_is_free_again_once_its_broker_is_gone() {
    let cluster = Cluster::empty().await;
    let mut brokers = Vec::new();
    for _ in 0..6 {
        let (broker, outcome) = cluster.connect().await;
        assert!(matches!(outcome, Outcome::Accepted(_)), "{outcome:?}");
        let (same, taken) = cluster.connect().await;
        assert_eq!(same, broker);
        let name = "main".parse().unwrap();
        assert_eq!(taken, Outcome::Refused(Refusal::BrokerNameTaken(name)));
        cluster.done(&DisconnectBroker { broker }).await;
        brokers.push(broker);
    }
    brokers.sort();
    brokers.dedup();
    assert_eq!(brokers.len(), 6);
}
