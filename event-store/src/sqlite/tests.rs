//! The contract on SQLite, and what only SQLite promises.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::testing::FixedClock;
use domain::{Envelope, Position, Revision, StreamName};
use futures_util::StreamExt;
use futures_util::future::join_all;
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tempfile::TempDir;
use tokio::time::timeout;

use super::SqliteEventStore;
use crate::contract::{self, Log, NOW, sample};
use crate::port::{AppendError, EventStore, Expected, ReadError};

/// Far more than any of this takes.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_holds_the_contract() {
    contract::hold(new_log).await;
}

#[tokio::test]
async fn the_file_refuses_to_change_what_is_appended() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).await;
    for stream in ["a-1", "a-2"] {
        store
            .append(sample(stream, Expected::NoStream, 2))
            .await
            .unwrap();
    }
    let before = store.read_all(Position(0), 10).await.unwrap();
    let mut intruder = connect(dir.path()).await;
    for statement in [
        "UPDATE events SET payload = x'00' WHERE position = 1",
        "DELETE FROM events WHERE position = 4",
        "DELETE FROM events",
        "UPDATE commands SET last_position = 9",
        "DELETE FROM commands",
        "INSERT OR REPLACE INTO events SELECT * FROM events WHERE position = 1",
        "INSERT OR REPLACE INTO events
         SELECT 5, randomblob(16), stream, revision, type, 1, 0, command_id, metadata, payload
         FROM events WHERE position = 1",
        "INSERT INTO events
         SELECT 6, randomblob(16), 'a-3', 0, type, 1, 0, command_id, metadata, payload
         FROM events WHERE position = 1",
        "INSERT INTO events
         SELECT NULL, randomblob(16), 'a-3', 0, type, 1, 0, command_id, metadata, payload
         FROM events WHERE position = 1",
        "INSERT OR REPLACE INTO commands SELECT * FROM commands",
    ] {
        let refused = sqlx::query(statement).execute(&mut intruder).await;
        assert!(refused.is_err(), "{statement}");
    }
    assert_eq!(store.read_all(Position(0), 10).await.unwrap(), before);
    let appended = store.append(sample("a-3", Expected::NoStream, 1)).await;
    assert_eq!(appended.unwrap().last, Position(5));
}

#[tokio::test]
async fn a_log_opened_again_holds_everything_and_is_intact() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).await;
    let streams: Vec<_> = (0..300).map(|n| format!("a-{n}")).collect();
    let appends = streams
        .iter()
        .map(|stream| store.append(sample(stream, Expected::NoStream, 2)));
    for appended in join_all(appends).await {
        appended.unwrap();
    }
    let before = store.read_all(Position(0), 1000).await.unwrap();
    assert_eq!(before.len(), 600);
    drop(store);

    let store = open(dir.path()).await;
    assert_eq!(store.read_all(Position(0), 1000).await.unwrap(), before);
    let integrity: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(&mut connect(dir.path()).await)
        .await
        .unwrap();
    assert_eq!(integrity, "ok");
}

#[tokio::test]
async fn an_event_is_recorded_at_the_clock_s_microsecond() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).await;
    store
        .append(sample("a-1", Expected::NoStream, 1))
        .await
        .unwrap();
    let event = &store.read_all(Position(0), 1).await.unwrap()[0];
    assert_eq!(
        event.recorded_at.as_nanosecond(),
        NOW.as_nanosecond() / 1000 * 1000
    );
}

#[tokio::test]
async fn bytes_that_are_no_text_come_back_exactly() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).await;
    let payloads = [vec![], vec![0xff, 0, 0xfe], vec![0; 3], vec![]];
    let mut append = sample("a-\u{0}-1", Expected::NoStream, payloads.len());
    for (event, payload) in append.events.iter_mut().zip(&payloads) {
        event.payload.clone_from(payload);
    }
    store.append(append.clone()).await.unwrap();
    let mut only_empty = sample("a-2", Expected::NoStream, 1);
    only_empty.events[0].payload.clear();
    store.append(only_empty).await.unwrap();

    let stored = store
        .read_stream(&append.stream, Revision(0), 10)
        .await
        .unwrap();
    let found: Vec<_> = stored.into_iter().map(|event| event.payload).collect();
    assert_eq!(found, payloads);
    // A name is not cut at its NUL.
    let cut = StreamName("a-".to_owned());
    assert!(
        store
            .read_stream(&cut, Revision(0), 1)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn one_append_may_be_larger_than_one_insert() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).await;
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
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).await;
    let mut intruder = connect(dir.path()).await;
    sqlx::query(
        "CREATE TRIGGER a_rule BEFORE INSERT ON events WHEN NEW.stream = 'a-1'
         BEGIN SELECT raise(ABORT, 'refused'); END",
    )
    .execute(&mut intruder)
    .await
    .unwrap();
    contract::one_refused(&store, "a-1").await;
}

#[tokio::test]
async fn the_writer_goes_on_after_a_failed_transaction() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).await;
    // What SQLite does on a full disk: it fails the statement and rolls back by itself.
    let mut intruder = connect(dir.path()).await;
    sqlx::query(
        "CREATE TRIGGER full_disk BEFORE INSERT ON commands
         BEGIN SELECT raise(ROLLBACK, 'database or disk is full'); END",
    )
    .execute(&mut intruder)
    .await
    .unwrap();
    let append = sample("a-1", Expected::NoStream, 1);
    for _ in 0..2 {
        let failed = store.append(append.clone()).await;
        assert!(
            matches!(failed, Err(AppendError::Unavailable(_))),
            "{failed:?}"
        );
    }
    assert_eq!(store.head().await.unwrap(), Position(0));

    sqlx::query("DROP TRIGGER full_disk")
        .execute(&mut intruder)
        .await
        .unwrap();
    assert_eq!(store.append(append).await.unwrap().last, Position(1));
}

#[tokio::test]
async fn what_is_recovered_is_in_the_file_itself_before_it_is_answered_from() {
    let [dir, crashed, file_alone] = [(); 3].map(|()| TempDir::new().unwrap());
    let copy = |file: &str, from: &TempDir, to: &TempDir| {
        fs::copy(from.path().join(file), to.path().join(file)).unwrap();
    };
    let store = open(dir.path()).await;
    let append = sample("a-1", Expected::NoStream, 3);
    store.append(append).await.unwrap();
    // What a killed process leaves.
    copy("log.db", &dir, &crashed);
    copy("log.db-wal", &dir, &crashed);
    let reopened = open(crashed.path()).await;
    copy("log.db", &crashed, &file_alone);
    let file_alone = open(file_alone.path()).await;
    assert_eq!(
        file_alone.read_all(Position(0), 10).await.unwrap(),
        store.read_all(Position(0), 10).await.unwrap()
    );
    drop(reopened);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_file_may_be_opened_by_many_at_once() {
    for _ in 0..10 {
        let log = new_log();
        let stores = join_all((0..8).map(|_| tokio::spawn(log()))).await;
        for (n, store) in stores.into_iter().enumerate() {
            let append = sample(&format!("a-{n}"), Expected::NoStream, 1);
            store.unwrap().append(append).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_follower_ends_at_an_event_that_is_missing() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).await;
    store
        .append(sample("a-1", Expected::NoStream, 3))
        .await
        .unwrap();
    let mut intruder = connect(dir.path()).await;
    for statement in [
        "DROP TRIGGER events_are_never_deleted",
        "DELETE FROM events WHERE position = 2",
    ] {
        sqlx::query(statement).execute(&mut intruder).await.unwrap();
    }
    let followed = follow_to_its_end(&store).await;
    assert_eq!(followed.len(), 2);
    assert!(
        matches!(
            followed[1],
            Err(ReadError::Damaged {
                position: Position(2),
                ..
            })
        ),
        "{followed:?}"
    );
}

#[tokio::test]
async fn a_follower_ends_at_an_event_that_cannot_be_read() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).await;
    store
        .append(sample("a-1", Expected::NoStream, 1))
        .await
        .unwrap();
    let mut intruder = connect(dir.path()).await;
    for statement in [
        "DROP TRIGGER events_are_never_updated",
        "UPDATE events SET metadata = '{}' WHERE position = 1",
    ] {
        sqlx::query(statement).execute(&mut intruder).await.unwrap();
    }
    let followed = follow_to_its_end(&store).await;
    assert!(
        matches!(
            followed[..],
            [Err(ReadError::Damaged {
                position: Position(1),
                ..
            })]
        ),
        "{followed:?}"
    );
}

async fn follow_to_its_end(store: &SqliteEventStore) -> Vec<Result<Envelope, ReadError>> {
    timeout(PATIENCE, store.follow(Position(0)).collect())
        .await
        .expect("the follower ends")
}

fn new_log() -> Log {
    let dir = Arc::new(TempDir::new().unwrap());
    Arc::new(move || {
        let dir = Arc::clone(&dir);
        Box::pin(async move { Arc::new(open(dir.path()).await) as Arc<dyn EventStore> })
    })
}

async fn open(dir: &Path) -> SqliteEventStore {
    SqliteEventStore::open(&dir.join("log.db"), Arc::new(FixedClock(NOW)))
        .await
        .unwrap()
}

/// A connection that is none of the store's.
async fn connect(dir: &Path) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(dir.join("log.db"))
        .connect()
        .await
        .unwrap()
}
