//! Commands against a real log.

use std::sync::Arc;

use domain::Refusal;
use domain::algorithm::{Protocol, PublishVersion};
use domain::broker::DisconnectBroker;
use domain::grant::Access;
use domain::organization::CreateOrganization;
use engine::Outcome;
use engine::execute::MOST_CHANGES;

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
async fn a_refusal_is_an_answer_and_leaves_no_event() {
    let cluster = Cluster::empty().await;
    cluster.done(&acme()).await;
    let again = cluster.engine.execute(&acme(), &cluster.request()).await;
    let taken = Refusal::OrganizationNameTaken("acme".parse().unwrap());
    assert_eq!(again.unwrap(), Outcome::Refused(taken));
    assert_eq!(cluster.events().await.len(), 1);
}

#[tokio::test]
async fn a_stale_revision_is_told() {
    let cluster = Cluster::flowing().await;
    let mut request = cluster.request();
    request.expected_revision = Some(domain::Revision(0));
    let command = revoke("orders", Access::Subscribe);
    let outcome = cluster.engine.execute(&command, &request).await.unwrap();
    let actual = Some(domain::Revision(1));
    let Outcome::Stale {
        actual: found,
        since,
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!(found, actual);
    let types: Vec<&str> = since.iter().map(|e| e.type_name.as_str()).collect();
    assert_eq!(types, ["ListenerEnabled"]);
}

#[tokio::test]
async fn a_caller_is_told_of_at_most_100_changes_and_of_none_ahead_of_the_stream() {
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
        let mut request = cluster.request();
        request.expected_revision = Some(domain::Revision(expected));
        let command = revoke("orders", Access::Subscribe);
        match cluster.engine.execute(&command, &request).await.unwrap() {
            Outcome::Stale { since, .. } => since,
            other => panic!("{other:?}"),
        }
    };
    let since = stale(1).await;
    assert_eq!(since.len(), MOST_CHANGES);
    assert_eq!(since[0].revision, domain::Revision(2));
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
                algorithm: "acme/score".parse().unwrap(),
                version: format!("2.0.{number}").parse().unwrap(),
                endpoint: "http://127.0.0.1:9/".to_owned(),
                protocol: Protocol::Raw,
                timeout_ms: 1000,
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
