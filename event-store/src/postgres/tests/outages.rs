//! Connections that end in the middle of it all.

use std::sync::Arc;
use std::time::Duration;

use domain::Position;
use futures_util::StreamExt;
use futures_util::future::join_all;
use tokio::time::{sleep, timeout};

use super::{PATIENCE, open};
use crate::contract::sample;
use crate::port::{AppendError, EventStore, Expected};
use crate::postgres::batch;
use test_database::{Database, connect};

const WRITERS: usize = 8;
const EACH: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn appends_and_followers_outlive_their_connections_without_a_gap() {
    let database = Database::new().await;
    let stores = [open(&database.url()).await, open(&database.url()).await].map(Arc::new);
    let mut follower = stores[0].follow(Position(0));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let store = Arc::clone(&stores[writer % 2]);
            tokio::spawn(async move {
                for n in 0..EACH {
                    append_until_answered(&*store, &format!("a-{writer}-{n}")).await;
                }
            })
        })
        .collect();
    let total = (WRITERS * EACH) as u64;
    for position in 1..=total {
        let event = timeout(PATIENCE, follower.next())
            .await
            .unwrap_or_else(|_| panic!("nothing came for position {position}"));
        assert_eq!(event.unwrap().unwrap().position, Position(position));
        if position % 400 == 200 {
            database.end_connections().await;
        }
    }
    for written in join_all(writers).await {
        written.unwrap();
    }
    assert_eq!(stores[1].head().await.unwrap(), Position(total));
}

#[tokio::test]
async fn a_connection_that_was_lost_while_idle_costs_no_append() {
    let database = Database::new().await;
    let store = open(&database.url()).await;
    for position in 1..=3 {
        let append = sample(&format!("a-{position}"), Expected::NoStream, 1);
        assert_eq!(store.append(append).await.unwrap().last, Position(position));
        database.end_connections().await;
    }
}

#[tokio::test]
async fn an_append_fails_while_another_process_keeps_the_head_and_works_afterwards() {
    let database = Database::new().await;
    let store = open(&database.url()).await;
    let mut stuck = connect(&database.url()).await;
    batch::begin(&mut stuck).await.unwrap();
    let append = sample("a-1", Expected::NoStream, 1);
    let failed = timeout(PATIENCE, store.append(append.clone()))
        .await
        .unwrap();
    assert!(
        matches!(failed, Err(AppendError::Unavailable(_))),
        "{failed:?}"
    );
    drop(stuck);
    assert_eq!(store.append(append).await.unwrap().last, Position(1));
}

/// Asks again by the same command id, as a caller does who got no answer.
async fn append_until_answered(store: &dyn EventStore, stream: &str) {
    let append = sample(stream, Expected::NoStream, 1);
    let answered = async {
        while let Err(error) = store.append(append.clone()).await {
            assert!(matches!(error, AppendError::Unavailable(_)), "{error:?}");
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, answered).await.unwrap();
}
