//! The contract on PostgreSQL, and what only PostgreSQL promises.

mod copying;
mod hints;
mod order;
mod outages;
mod rights;

use std::sync::Arc;
use std::time::Duration;

use domain::testing::FixedClock;
use domain::{Position, Revision};
use futures_util::StreamExt;
use futures_util::future::join_all;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::PostgresEventStore;
use crate::contract::{self, Log, NOW, sample};
use crate::error::OpenError;
use crate::port::{AppendError, EventStore, Expected, ReadError};
use test_database::Database;

/// Far more than any of this takes.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_holds_the_contract() {
    contract::hold(new_log).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_database_may_be_opened_by_many_at_once() {
    let database = Database::new().await;
    let url = database.url();
    let opening = (0..8).map(|_| {
        let url = url.clone();
        tokio::spawn(async move { open(&url).await })
    });
    for (n, store) in join_all(opening).await.into_iter().enumerate() {
        let append = sample(&format!("a-{n}"), Expected::NoStream, 1);
        store.unwrap().append(append).await.unwrap();
    }
}

#[tokio::test]
async fn a_database_in_another_encoding_is_refused() {
    let database = Database::new().await;
    let name = "latin";
    database
        .run(&format!(
            "CREATE DATABASE {name}_{} ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'
             TEMPLATE template0",
            database.name()
        ))
        .await;
    let url = database
        .url()
        .replace(database.name(), &format!("{name}_{}", database.name()));
    let refused = PostgresEventStore::open(&url, Arc::new(FixedClock(NOW))).await;
    database
        .run(&format!("DROP DATABASE {name}_{}", database.name()))
        .await;
    assert!(
        matches!(&refused, Err(OpenError::Encoding(encoding)) if encoding == "SQL_ASCII"),
        "{:?}",
        refused.err()
    );
}

#[tokio::test]
async fn bytes_that_are_no_text_come_back_exactly() {
    let database = Database::new().await;
    let store = open(&database.url()).await;
    let payloads = [vec![], vec![0xff, 0, 0xfe], vec![0; 3], vec![]];
    let mut append = sample("a-\u{0}-1", Expected::NoStream, payloads.len());
    for (event, payload) in append.events.iter_mut().zip(&payloads) {
        event.payload.clone_from(payload);
    }
    store.append(append.clone()).await.unwrap();
    let stored = store
        .read_stream(&append.stream, Revision(0), 10)
        .await
        .unwrap();
    let found: Vec<_> = stored.into_iter().map(|event| event.payload).collect();
    assert_eq!(found, payloads);
}

#[tokio::test]
async fn one_append_may_be_larger_than_one_insert() {
    let database = Database::new().await;
    let store = open(&database.url()).await;
    let mut large = sample("a-1", Expected::NoStream, 20);
    for (fill, event) in (0..).zip(&mut large.events) {
        event.payload = vec![fill; crate::MAX_PAYLOAD_BYTES];
    }
    store.append(large).await.unwrap();
    let many = store
        .append(sample("a-2", Expected::NoStream, 10_000))
        .await;
    assert_eq!(many.unwrap().revision, Revision(9_999));
    for (fill, event) in (0..).zip(store.read_all(Position(0), 20).await.unwrap()) {
        assert!(event.payload.iter().all(|byte| *byte == fill), "{fill}");
    }
}

#[tokio::test]
async fn what_a_rule_of_the_tables_refuses_fails_its_own_append_only() {
    let database = Database::new().await;
    let store = open(&database.url()).await;
    let rule = "ALTER TABLE events ADD CONSTRAINT a_rule CHECK (stream <> 'a-1')";
    database.run(rule).await;
    contract::one_refused(&store, "a-1").await;
}

#[tokio::test]
async fn a_commit_is_on_the_disk_even_where_the_role_is_content_with_less() {
    let database = Database::new().await;
    database
        .run(&format!(
            "ALTER DATABASE {} SET synchronous_commit = 'off'",
            database.name()
        ))
        .await;
    let options = super::schema::options(&database.url()).unwrap();
    let mut connection = super::schema::connect_writer(&options).await.unwrap();
    let setting: String = sqlx::query_scalar("SELECT current_setting('synchronous_commit')")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(setting, "on");
}

#[tokio::test]
async fn a_missing_event_is_damage_to_every_reader() {
    let database = Database::new().await;
    let store = open(&database.url()).await;
    let append = sample("a-1", Expected::NoStream, 3);
    store.append(append.clone()).await.unwrap();
    remove(&database, 2).await;
    assert_damaged(store.read_all(Position(0), 10).await, 2);
    assert_damaged(store.read_all(Position(1), 10).await, 2);
    assert_damaged(store.read_stream(&append.stream, Revision(0), 10).await, 3);
    let followed: Vec<_> = timeout(PATIENCE, store.follow(Position(0)).collect())
        .await
        .expect("the follower ends");
    assert_eq!(followed.len(), 2);
    assert!(followed[0].is_ok(), "{followed:?}");
    assert_damaged(followed.into_iter().next_back().unwrap(), 2);
}

#[tokio::test]
async fn nothing_is_appended_to_a_log_that_has_lost_its_end() {
    let database = Database::new().await;
    let store = open(&database.url()).await;
    store
        .append(sample("a-1", Expected::NoStream, 3))
        .await
        .unwrap();
    remove(&database, 3).await;
    assert_damaged(store.head().await, 3);
    let refused = store.append(sample("a-2", Expected::NoStream, 1)).await;
    assert!(
        matches!(refused, Err(AppendError::Unavailable(_))),
        "{refused:?}"
    );
}

/// What an owner can do who means it.
async fn remove(database: &Database, position: u64) {
    database
        .run(&format!(
            "ALTER TABLE events DISABLE TRIGGER USER;
             DELETE FROM events WHERE position = {position};
             ALTER TABLE events ENABLE TRIGGER USER"
        ))
        .await;
}

fn assert_damaged<T: std::fmt::Debug>(read: Result<T, ReadError>, at: u64) {
    assert!(
        matches!(read, Err(ReadError::Damaged { position, .. }) if position == Position(at)),
        "{read:?}"
    );
}

fn new_log() -> Log {
    let database = Arc::new(OnceCell::new());
    Arc::new(move || {
        let database = Arc::clone(&database);
        Box::pin(async move {
            let database: &Database = database.get_or_init(Database::new).await;
            Arc::new(open(&database.url()).await) as Arc<dyn EventStore>
        })
    })
}

async fn open(url: &str) -> PostgresEventStore {
    PostgresEventStore::open(url, Arc::new(FixedClock(NOW)))
        .await
        .unwrap()
}
