//! Positions in the order of commits, which a sequence does not give.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::Position;
use futures_util::future::join_all;
use sqlx::postgres::PgConnection;
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

use super::{PATIENCE, open};
use crate::contract::{self, NOW, Positioned, sample};
use crate::integer::integer;
use crate::port::{EventStore, Expected};
use crate::postgres::batch;
use test_database::{Database, connect};

/// Why positions do not come from a sequence: what every backend passes, this must not, or it
/// would show nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_a_sequence_skips_what_commits_late() {
    let database = Database::new().await;
    let table = "CREATE TABLE naive (position BIGSERIAL PRIMARY KEY, writer BIGINT NOT NULL)";
    database.run(table).await;
    let mut writers = Vec::new();
    for _ in 0..16 {
        writers.push(Mutex::new(connect(&database.url()).await));
    }
    let reader = Mutex::new(connect(&database.url()).await);
    let skipped = contract::skipped(Sequence { writers, reader }).await;
    assert_ne!(skipped, []);
}

/// A log whose positions are taken from a sequence, as an `AUTO_INCREMENT` or a `SERIAL` does.
struct Sequence {
    writers: Vec<Mutex<PgConnection>>,
    reader: Mutex<PgConnection>,
}

#[async_trait]
impl Positioned for Sequence {
    async fn append(&self, writer: usize) {
        let mut connection = self.writers[writer].lock().await;
        // Transactions take their time, each another.
        let insert = "WITH inserted AS (INSERT INTO naive (writer) VALUES ($1))
                      SELECT pg_sleep(0.002 * ($1 % 4))";
        let insert = sqlx::query(insert).bind(integer(writer as u64));
        insert.execute(&mut *connection).await.unwrap();
    }

    async fn after(&self, after: Position, limit: usize) -> Vec<Position> {
        let read = "SELECT position FROM naive WHERE position > $1 ORDER BY position LIMIT $2";
        let read = sqlx::query_scalar::<_, i64>(read)
            .bind(integer(after.0))
            .bind(integer(limit as u64));
        let positions = read.fetch_all(&mut *self.reader.lock().await).await;
        let position = |position: i64| Position(position.unsigned_abs());
        positions.unwrap().into_iter().map(position).collect()
    }
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
    let (outcomes, head) = batch::append_under_lock(&mut a, &first, NOW).await.unwrap();
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
