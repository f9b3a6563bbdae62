//! Positions in the order of commits, which a sequence does not give.

use std::sync::Arc;
use std::time::Duration;

use domain::Position;
use futures_util::future::join_all;
use sqlx::postgres::PgConnection;
use tokio::time::{sleep, timeout};

use super::database::{Database, connect};
use super::{NOW, PATIENCE, open};
use crate::contract::sample;
use crate::port::{EventStore, Expected};
use crate::postgres::batch;

/// Why the head is locked: with a sequence, this reader passes over an event for good.
#[tokio::test]
async fn a_reader_of_a_sequence_skips_what_commits_late() {
    let database = Database::new().await;
    database
        .run("CREATE TABLE naive (position BIGSERIAL PRIMARY KEY, writer TEXT)")
        .await;
    let mut a = connect(&database.url()).await;
    let mut b = connect(&database.url()).await;
    let mut reader = connect(&database.url()).await;

    run(&mut a, "BEGIN; INSERT INTO naive (writer) VALUES ('a')").await;
    run(
        &mut b,
        "BEGIN; INSERT INTO naive (writer) VALUES ('b'); COMMIT",
    )
    .await;
    assert_eq!(naive_after(0, &mut reader).await, [(2, "b".to_owned())]);
    run(&mut a, "COMMIT").await;
    // The reader goes on from 2, and never sees what now stands at 1.
    assert_eq!(naive_after(2, &mut reader).await, []);
    assert_eq!(naive_after(0, &mut reader).await.len(), 2);
}

#[tokio::test]
async fn whoever_comes_second_waits_for_the_first_to_commit() {
    let database = Database::new().await;
    let b = Arc::new(open(&database.url()).await);
    let mut a = connect(&database.url()).await;
    let mut observer = connect(&database.url()).await;

    batch::begin(&mut a).await.unwrap();
    let second = tokio::spawn({
        let b = Arc::clone(&b);
        async move { b.append(sample("b-1", Expected::NoStream, 1)).await }
    });
    until_somebody_waits_for_a_lock(&mut observer).await;
    assert_eq!(b.read_all(Position(0), 10).await.unwrap(), []);

    let first = [sample("a-1", Expected::NoStream, 1)];
    let (outcomes, head) = batch::append(&mut a, &first, NOW).await.unwrap();
    assert_eq!(head, Position(1));
    assert_eq!(outcomes[0].as_ref().unwrap().first, Position(1));
    let second = timeout(PATIENCE, second).await.unwrap().unwrap();
    assert_eq!(second.unwrap().first, Position(2));
    let events = b.read_all(Position(0), 10).await.unwrap();
    let streams: Vec<_> = events.iter().map(|event| event.stream.as_str()).collect();
    assert_eq!(streams, ["a-1", "b-1"]);
}

/// The one who waited must decide over what was committed meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn two_stores_append_to_one_stream_at_once_and_one_of_them_wins() {
    let database = Database::new().await;
    let stores = [open(&database.url()).await, open(&database.url()).await];
    for round in 0..50 {
        let stream = format!("a-{round}");
        let appends = stores
            .iter()
            .map(|store| store.append(sample(&stream, Expected::NoStream, 2)));
        let outcomes = join_all(appends).await;
        let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(won, 1, "{outcomes:?}");
    }
    let events = stores[0].read_all(Position(0), 200).await.unwrap();
    assert_eq!(events.len(), 100);
}

async fn run(connection: &mut PgConnection, statements: &'static str) {
    sqlx::raw_sql(statements).execute(connection).await.unwrap();
}

async fn naive_after(position: i64, connection: &mut PgConnection) -> Vec<(i64, String)> {
    sqlx::query_as("SELECT position, writer FROM naive WHERE position > $1 ORDER BY position")
        .bind(position)
        .fetch_all(connection)
        .await
        .unwrap()
}

async fn until_somebody_waits_for_a_lock(observer: &mut PgConnection) {
    let waiting = async {
        loop {
            let waits: bool = sqlx::query_scalar(
                "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'
                                AND datname = current_database())",
            )
            .fetch_one(&mut *observer)
            .await
            .unwrap();
            if waits {
                break;
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap();
}
